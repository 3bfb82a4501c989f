/**
 * Who connected to pcscd, asked of the kernel connection by connection. The cost grows with the connections and
 * not with what else the machine has open, and neither network nor pid namespaces hide anybody.
 */
import { SystemError, type System } from '../system/port.ts';
import { SETNS, SUB_PEER } from './socket-peers.ts';

/** The other end of one of pcscd's connections. */
export interface Connector {
  /** pcscd's descriptor. */
  fd: number;
  /** Inode of pcscd's own end, as in `socket:[4711]`. */
  inode: number;
  /** Path that pcscd listens on, which every accepted connection carries; empty for one that pcscd made itself, e.g. to D-Bus. */
  path: string;
  /** Inode of the client's end; null when it has been closed. */
  peer: number | null;
  /** The process that called connect(2), as numbered in our pid namespace; 0 when it is not visible from there. */
  pid: number;
  /** Who has the client's end open: that process first, unless it has let go of it, then those that inherited it. */
  users: { pid: number; fd: number }[];
}

/**
 * Node can neither copy another process's descriptor nor speak netlink, so Perl does (Essential on Debian):
 * pidfd_getfd(2) copies pcscd's end for an instant, getsockopt SO_PEERCRED tells who connected (unix(7)),
 * SIOCGSKNS the network namespace the connection belongs to, and one exact query of sock_diag(7) in there the
 * inode of the other end. Nothing is read from or written to a connection.
 */
const SCRIPT = String.raw`
use strict;
use Socket;
my ($setns, $pcscd, @fds) = map { $_ + 0 } @ARGV;
my $process = syscall(434, $pcscd, 0);
exit 1 if $process < 0;
for my $fd (@fds) {
  my $copy = syscall(438, $process, $fd, 0);
  next if $copy < 0;
  open(my $end, '+<&=', $copy) or next;
  my $inode = (stat $end)[1];
  my ($pid) = unpack 'L', getsockopt($end, SOL_SOCKET, SO_PEERCRED) // next;
  my $namespace = ioctl($end, 0x894C, 0);
  syscall($setns, $namespace + 0, 0x40000000) if $setns && defined $namespace;
  my $peer = peer($inode) // 0;
  my $path = unpack 'x2 Z*', getsockname($end) // '';
  print join(' ', $fd, $inode, $peer, $pid, unpack('H*', $path) || '-', $peer && $pid ? users($peer, $pid) : ()), "\n";
}
sub users {
  my ($socket, @family) = @_;
  my @users;
  for (my $at = 0; $at < @family && $at < 100; $at++) {
    my $folder = "/proc/$family[$at]";
    my ($held) = grep { (readlink($_) // '') eq "socket:[$socket]" } glob "$folder/fd/*";
    push @users, "$family[$at]:$1" if defined $held && $held =~ m{([0-9]+)$};
    for my $file (glob "$folder/task/*/children") {
      open(my $children, '<', $file) or next;
      push @family, split ' ', <$children> // '';
    }
  }
  return @users;
}
${SUB_PEER}`;

const DEADLINE_MS = 1500;

/**
 * The client of each of pcscd's descriptors. One that is missing in the answer has been closed or is no UNIX socket.
 * Needs root (CAP_SYS_PTRACE) and Linux 5.6.
 * @throws SystemError ENOENT without Perl, EPERM when the kernel refuses
 */
export async function connectorsOf(system: System, pcscd: number, fds: readonly number[]): Promise<Map<number, Connector>> {
  const args = [SETNS, pcscd, ...fds].map(String);
  const { exitCode, stdout } = await system.run('perl', ['-e', SCRIPT, ...args], { timeoutMs: DEADLINE_MS });
  if (exitCode !== 0) throw new SystemError('EPERM', `/proc/${pcscd}/fd`);
  return new Map(parseConnectors(stdout).map((connector) => [connector.fd, connector]));
}

function parseConnectors(text: string): Connector[] {
  return text.split('\n').flatMap((line) => {
    const match = /^(\d+) (\d+) (\d+) (\d+) ([0-9a-f]*|-)((?: \d+:\d+)*)$/.exec(line);
    if (match === null) return [];
    const [fd = 0, inode = 0, peer = 0, pid = 0] = match.slice(1, 5).map(Number);
    const users = [...(match[6] ?? '').matchAll(/(\d+):(\d+)/g)].map((user) => ({ pid: Number(user[1]), fd: Number(user[2]) }));
    return [{ fd, inode, path: Buffer.from(match[5] ?? '', 'hex').toString('utf8'), peer: peer === 0 ? null : peer, pid, users }];
  });
}
