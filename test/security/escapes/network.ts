/** Attempts to reach anything but its own loopback. */
import { hasReached, perl, type Attempt } from './world.ts'

const socketOf = (family: number, type: number, protocol: number) => perl(`socket(S, ${family}, ${type}, ${protocol}) and print "ESCAPED"`)

export const network: readonly Attempt[] = [
  {
    name: 'connects to a server of this machine',
    argv: ({ tcpPort }) => perl(`use Socket; socket(S, PF_INET, SOCK_STREAM, 0); connect(S, sockaddr_in(${tcpPort}, inet_aton("127.0.0.1"))) and sleep 1`),
    escaped: hasReached,
  },
  {
    name: 'connects by another name of the loopback',
    argv: ({ tcpPort }) => perl(`use Socket; socket(S, PF_INET, SOCK_STREAM, 0); connect(S, sockaddr_in(${tcpPort}, inet_aton("0.0.0.0"))) and sleep 1`),
    escaped: hasReached,
  },
  {
    name: 'sends a datagram, as a name lookup does',
    argv: ({ udpPort }) => perl(`use Socket; socket(S, PF_INET, SOCK_DGRAM, 0); send(S, "x", 0, sockaddr_in(${udpPort}, inet_aton("127.0.0.1"))); sleep 1`),
    escaped: hasReached,
  },
  {
    name: 'connects to a socket file (an agent, a container engine)',
    argv: ({ socketPath }) => perl(`use Socket; socket(S, PF_UNIX, SOCK_STREAM, 0); connect(S, sockaddr_un("${socketPath}")) and sleep 1`),
    escaped: hasReached,
  },
  {
    name: 'connects to a socket file through a link',
    argv: ({ socketPath }) => perl(`use Socket; symlink "${socketPath}", "s"; socket(S, PF_UNIX, SOCK_STREAM, 0); connect(S, sockaddr_un("s")) and sleep 1`),
    escaped: hasReached,
  },
  {
    name: 'connects to an abstract socket',
    argv: ({ abstractName }) => perl(`use Socket; socket(S, PF_UNIX, SOCK_STREAM, 0); connect(S, pack("Sxa*", AF_UNIX, "${abstractName}")) and sleep 1`),
    escaped: hasReached,
  },
  { name: 'opens a raw socket', argv: () => socketOf(2, 3, 1) },
  { name: 'opens a packet socket', argv: () => socketOf(17, 3, 768) },
  { name: 'opens a socket to the host of a virtual machine', argv: () => socketOf(40, 1, 0) },
  { name: 'listens to events of the kernel', argv: () => socketOf(16, 3, 15) },
  {
    name: 'finds an interface beside the loopback',
    argv: () => perl('open F, "<", "/proc/net/dev"; @l = <F>; print "ESCAPED" if grep { /:/ && !/^\\s*lo:/ } @l'),
  },
]
