/** The other ends of UNIX sockets, asked of the kernel one by one: neither Node nor /proc can tell them. */
import type { System } from '../system/port.ts';

/** Number of setns(2), which each architecture numbers on its own; 0: not known here. */
export const SETNS: number = ({ x64: 308, arm64: 268 } as Readonly<Record<string, number>>)[process.arch] ?? 0;

/** Perl: inode of the other end of a socket of this network namespace, by one exact query of sock_diag(7). */
export const SUB_PEER = String.raw`
sub peer {
  my ($inode) = @_;
  socket(my $netlink, 16, SOCK_RAW, 4) or return;
  my $request = pack 'CCSLLLLL', 1, 0, 0, 0xffffffff, $inode, 4, 0xffffffff, 0xffffffff;
  send($netlink, pack('LSSLL', 16 + length $request, 20, 1, 1, 0) . $request, 0) or return;
  defined recv($netlink, my $answer, 8192, 0) or return;
  my ($end, $type) = unpack 'LS', $answer;
  return if $type != 20;
  for (my $at = 32; $at + 8 <= $end; ) {
    my ($length, $attribute) = unpack 'SS', substr $answer, $at;
    return unpack 'L', substr $answer, $at + 4 if $attribute == 2;
    $at += ($length + 3) & ~3;
  }
  return;
}
`;

/**
 * A user may enter the network namespace of an own sandbox through the user namespace that owns it (ioctl_ns(2),
 * NS_GET_USERNS): to the user who made that one, every capability in it belongs (user_namespaces(7)). nsenter does
 * not find it, because bubblewrap puts its program into a further one, which owns nothing.
 */
const SCRIPT = String.raw`
use strict;
use Socket;
my ($setns, $pid, @inodes) = map { $_ + 0 } @ARGV;
open(my $namespace, '<', "/proc/$pid/ns/net") or exit 1;
my $owner = ioctl($namespace, 0xB701, 0) or exit 1;
exit 1 if !$setns || syscall($setns, $owner + 0, 0x10000000) < 0 || syscall($setns, fileno($namespace), 0x40000000) < 0;
print "$_ ", peer($_) // 0, "\n" for @inodes;
${SUB_PEER}`;

const DEADLINE_MS = 1500;

/**
 * Inodes of the other ends of sockets in the network namespace of one of this user's sandboxes, by the inodes of
 * these; one that has no other end any more is missing. Empty where the kernel refuses, or without Perl.
 */
export async function peersWithin(system: System, pid: number, inodes: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const args = [SETNS, pid, ...inodes].map(String);
  const answer = await system.run('perl', ['-e', SCRIPT, ...args], { timeoutMs: DEADLINE_MS }).catch(() => null);
  return new Map([...(answer?.stdout ?? '').matchAll(/^(\d+) ([1-9]\d*)$/gm)].map((match) => [match[1] as string, match[2] as string]));
}
