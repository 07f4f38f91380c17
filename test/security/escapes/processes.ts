/** Attempts on other processes, and to gain rights. */
import { existsSync, readFileSync } from 'node:fs'
import { arch } from 'node:process'
import { isAlive, perl, shell, statOf, tellsEnvironment, type Attempt } from './world.ts'
import { JUDGED, REFUSED, UNKNOWN, isArchitecture, numberOf } from '../../../src/sandbox/system-calls.ts'

const NUMBERS = { ...REFUSED, ...UNKNOWN, ...JUDGED }

/** The number of a call on this machine. */
function nr(name: keyof typeof NUMBERS): number {
  return (isArchitecture(arch) ? numberOf(NUMBERS[name], arch) : null) ?? -1
}
/** Says so when the call succeeds; `prepare` makes what its arguments need. */
const calls = (name: keyof typeof NUMBERS, args: string, prepare = '') => perl(`${prepare}; syscall(${nr(name)}, ${args}) >= 0 and print "ESCAPED"`)

const NEW_USER = 0x1000_0000
const NEW_FILES = 0x0002_0000
const SIGCHLD = 17

export const processes: readonly Attempt[] = [
  { name: 'ends another process', argv: ({ victim }) => shell(`kill -TERM ${victim}; sleep 0.1`), escaped: ({ victim }) => !isAlive(victim) },
  {
    name: 'ends another process by a handle',
    argv: ({ victim }) =>
      perl(
        `$fd = syscall(${nr('pidfd_open')}, ${victim}, 0); $fd >= 0 and syscall(${nr('pidfd_send_signal')}, $fd, 15, 0, 0); select undef, undef, undef, 0.1`,
      ),
    escaped: ({ victim }) => !isAlive(victim),
  },
  { name: 'sees other processes', argv: ({ victim }) => shell(`ls /proc | grep -qx ${victim} && echo ESCAPED`) },
  { name: 'finds out by a signal of nothing that a process is there', argv: ({ victim }) => shell(`kill -0 ${victim} && echo ESCAPED`) },
  { name: 'traces another process', argv: ({ victim }) => calls('ptrace', `16, ${victim}, 0, 0`) },
  {
    name: 'copies the memory of another process',
    argv: ({ victim }) =>
      perl(
        `$x = "\\0" x 4096; $l = pack("Q2", unpack("Q", pack("p", $x)), 4096); $r = pack("Q2", ${statOf(victim, 50)}, 256); syscall(${nr('process_vm_readv')}, ${victim}, $l, 1, $r, 1, 0); print $x`,
      ),
    escaped: tellsEnvironment,
  },
  {
    name: 'takes open files from another process by its limits',
    argv: ({ victim }) => calls('prlimit64', `${victim}, 7, $l, 0`, '$l = pack("Q2", 1, 1)'),
    escaped: ({ victim }) => /Max open files\s+1\s/.test(readFileSync(`/proc/${victim}/limits`, 'latin1')),
  },
  { name: 'slows another process down', argv: ({ victim }) => calls('setpriority', `0, ${victim}, 19`), escaped: ({ victim }) => statOf(victim, 19) === 19 },
  { name: 'slows all processes of its user down', argv: () => calls('setpriority', '2, 0, 1') },
  { name: 'binds another process to one processor', argv: ({ victim }) => calls('sched_setaffinity', `${victim}, 8, $m`, '$m = pack("Q", 1)') },
  { name: 'makes a user namespace', argv: () => calls('unshare', String(NEW_USER)) },
  { name: 'makes a namespace of files', argv: () => calls('unshare', String(NEW_FILES)) },
  {
    name: 'starts a process in a new user namespace',
    argv: () => perl(`$p = syscall(${nr('clone')}, ${NEW_USER + SIGCHLD}, 0, 0, 0, 0); exit if $p == 0; print "ESCAPED" if $p > 0`),
  },
  {
    name: 'starts one by the newer call',
    argv: () =>
      perl(`$a = pack("Q8", ${NEW_USER}, 0, 0, 0, ${SIGCHLD}, 0, 0, 0); $p = syscall(${nr('clone3')}, $a, 64); exit if $p == 0; print "ESCAPED" if $p > 0`),
  },
  { name: 'enters a namespace of another process', argv: ({ victim }) => calls('setns', 'fileno(F), 0', `open F, "<", "/proc/${victim}/ns/uts" or exit`) },
  {
    name: 'mounts a file system',
    argv: () =>
      perl(
        `mkdir "m"; ($a, $b) = ("none", "tmpfs"); $m = "m"; syscall(${nr('mount')}, $a, $m, $b, 0, 0) == 0 or exit; print "ESCAPED"; syscall(${nr('umount2')}, $m, 2)`,
      ),
  },
  { name: 'opens a file system', argv: () => calls('fsopen', '$t, 0', '$t = "tmpfs"') },
  { name: 'copies the tree of mounts', argv: () => calls('open_tree', '-100, $p, 1', '$p = "/"') },
  { name: 'changes its root', argv: () => calls('chroot', '$p', '$p = "."') },
  { name: 'becomes another user', argv: () => perl('$< = $> = 4242; print "ESCAPED" if $> == 4242') },
  { name: 'becomes root by a program that may', argv: () => shell('su root -c "echo ESCAPED" < /dev/null') },
  {
    name: 'builds a sandbox of its own',
    argv: () =>
      existsSync('/usr/bin/bwrap')
        ? [
            '/usr/bin/bwrap',
            '--unshare-all',
            '--ro-bind',
            '/usr',
            '/usr',
            '--symlink',
            'usr/lib',
            '/lib',
            '--symlink',
            'usr/lib64',
            '/lib64',
            '/usr/bin/echo',
            'ESCAPED',
          ]
        : ['/usr/bin/unshare', '-U', '/usr/bin/echo', 'ESCAPED'],
  },
  { name: 'loads a program into the kernel', argv: () => calls('bpf', '0, $a, 72', '$a = pack("L4", 2, 4, 4, 1) . "\\0" x 56') },
  { name: 'makes a ring for calls without calling', argv: () => calls('io_uring_setup', '4, $a', '$a = "\\0" x 120') },
  { name: 'reads keys of the kernel', argv: () => calls('keyctl', '0, -3, 1') },
  { name: 'keeps something in the kernel’s keys', argv: () => calls('add_key', '$t, $d, $d, 1, -2', '($t, $d) = ("user", "escape")') },
  {
    name: 'counts what the processor does',
    argv: () => calls('perf_event_open', '$a, 0, -1, -1, 0', '$a = pack("L2Q8", 1, 112, 0, 0, 0, 0, 0, 0, 0, 0) . "\\0" x 40'),
  },
  { name: 'handles page faults', argv: () => calls('userfaultfd', '0') },
  { name: 'reads the log of the kernel', argv: () => calls('syslog', '3, $b, 100', '$b = "\\0" x 100') },
  { name: 'names the machine', argv: () => calls('sethostname', '$h, length $h', '$h = "x"; open F, "<", "/proc/sys/kernel/hostname" and chomp($h = <F>)') },
  { name: 'takes protections off its memory', argv: () => calls('personality', '0x0040000') },
  { name: 'shares memory that no process holds', argv: () => calls('shmget', '0, 4096, 0x3ff') },
  { name: 'makes a file that no folder holds', argv: () => calls('memfd_create', '$n, 0', '$n = "x"') },
  {
    name: 'types into its terminal',
    argv: () =>
      perl(
        'open M, "+<", "/dev/ptmx" or exit; $z = pack("L", 0); ioctl(M, 0x40045431, $z); $n = pack("L", 0); ioctl(M, 0x80045430, $n); open S, "+<", "/dev/pts/" . unpack("L", $n) or exit; $c = "x"; ' +
          `syscall(${nr('ioctl')}, fileno(S), 0x5412, $c) == 0 and print "ESCAPED"; syscall(${nr('ioctl')}, fileno(S), 0x100005412, $c) == 0 and print "ESCAPED"`,
      ),
  },
  {
    name: 'finds what the gateway has in its environment',
    argv: () => ['/usr/bin/env'],
    escaped: (_world, { stdout }) => stdout.includes('CARAPACE_ESCAPE_CANARY'),
  },
]
