/** Numbers of the system calls that the filter names, from the kernel's headers. `null`: the architecture has no such call. */
type Numbers = readonly [x64: number | null, arm64: number | null]

/** Refused everywhere. Not here, because the kernel asks for a capability that no sandboxed program has, or has no such call any more: what needs root. */
export const REFUSED = {
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  kcmp: [312, 272],
  pidfd_open: [434, 434],
  pidfd_getfd: [438, 438],
  pidfd_send_signal: [424, 424],
  process_madvise: [440, 440],
  process_mrelease: [448, 448],
  perf_event_open: [298, 241],
  bpf: [321, 280],
  userfaultfd: [323, 282],
  add_key: [248, 217],
  request_key: [249, 218],
  keyctl: [250, 219],
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  chroot: [161, 51],
  move_mount: [429, 429],
  open_tree: [428, 428],
  fsopen: [430, 430],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fspick: [433, 433],
  mount_setattr: [442, 442],
  statmount: [457, 457],
  listmount: [458, 458],
  unshare: [272, 97],
  setns: [308, 268],
  init_module: [175, 105],
  finit_module: [313, 273],
  delete_module: [176, 106],
  kexec_load: [246, 104],
  kexec_file_load: [320, 294],
  reboot: [169, 142],
  swapon: [167, 224],
  swapoff: [168, 225],
  acct: [163, 89],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  syslog: [103, 116],
  settimeofday: [164, 170],
  clock_settime: [227, 112],
  adjtimex: [159, 171],
  clock_adjtime: [305, 266],
  sethostname: [170, 161],
  setdomainname: [171, 162],
  iopl: [172, null],
  ioperm: [173, null],
  modify_ldt: [154, null],
  vhangup: [153, 58],
  personality: [135, 92],
  fanotify_init: [300, 262],
  fanotify_mark: [301, 263],
  name_to_handle_at: [303, 264],
  open_by_handle_at: [304, 265],
  migrate_pages: [256, 238],
  move_pages: [279, 239],
  mbind: [237, 235],
  set_mempolicy: [238, 237],
  set_mempolicy_home_node: [450, 450],
  // Memory that no process holds would not be counted.
  shmget: [29, 194],
  shmat: [30, 196],
  shmctl: [31, 195],
  msgget: [68, 186],
  semget: [64, 190],
  mq_open: [240, 180],
  mq_unlink: [241, 181],
} as const satisfies Readonly<Record<string, Numbers>>

/** Answered as if the kernel did not know them, so that programs take their other way. */
export const UNKNOWN = {
  clone3: [435, 435],
  memfd_create: [319, 279],
  memfd_secret: [447, 447],
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
} as const satisfies Readonly<Record<string, Numbers>>

/**
 * Refused where no namespaces hide the rest of the machine: Landlock does not see a change of mode, owner, time or attributes by path, nor a socket by its path, nor who watches a
 * folder; and a process must not leave its group, by which it is ended.
 */
export const REFUSED_WITHOUT_NAMESPACES = {
  chmod: [90, null],
  fchmodat: [268, 53],
  fchmodat2: [452, 452],
  chown: [92, null],
  lchown: [94, null],
  fchownat: [260, 54],
  utime: [132, null],
  utimes: [235, null],
  futimesat: [261, null],
  setxattr: [188, 5],
  lsetxattr: [189, 6],
  removexattr: [197, 14],
  lremovexattr: [198, 15],
  inotify_init: [253, null],
  inotify_init1: [294, 26],
  setsid: [112, 157],
  setpgid: [109, 154],
  socket: [41, 198],
  connect: [42, 203],
  bind: [49, 200],
  listen: [50, 201],
} as const satisfies Readonly<Record<string, Numbers>>

/** Those of which the arguments decide. */
export const JUDGED = {
  clone: [56, 220],
  ioctl: [16, 29],
  prctl: [157, 167],
  prlimit64: [302, 261],
  setpriority: [141, 140],
  sched_setaffinity: [203, 122],
  sched_setscheduler: [144, 119],
  sched_setparam: [142, 118],
  sched_setattr: [314, 274],
  ioprio_set: [251, 30],
  socket: [41, 198],
  socketpair: [53, 199],
  utimensat: [280, 88],
} as const satisfies Readonly<Record<string, Numbers>>

/** Of the launcher. */
export const LAUNCHER = {
  landlock_create_ruleset: [444, 444],
  landlock_add_rule: [445, 445],
  landlock_restrict_self: [446, 446],
  seccomp: [317, 277],
  capset: [126, 91],
  capget: [125, 90],
} as const satisfies Readonly<Record<string, Numbers>>

/** The newest call that was looked at; whatever a later kernel adds is unknown inside. */
export const NEWEST = 462

export type Architecture = 'x64' | 'arm64'

export function numberOf(numbers: Numbers, architecture: Architecture): number | null {
  return numbers[architecture === 'x64' ? 0 : 1]
}

export function isArchitecture(name: string): name is Architecture {
  return name === 'x64' || name === 'arm64'
}
