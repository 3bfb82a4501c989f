/**
 * `npm run bench:holders [ROUNDS]`: `cardcheck holders --json` as root beside `lsof` and `ss`, without
 * and with 2,000 other processes that hold 40,000 descriptors. Ratios of medians of interleaved runs in random order;
 * exits 1 when a target is missed.
 */
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import type { Holder } from '../../src/rig/holder.ts';
import { type Rig, startRig } from '../../src/rig/rig.ts';

const DEFAULT_ROUNDS = 15;
const PROCESSES = 2_000;
const DESCRIPTORS_EACH = 20;
const MORE_CLIENTS = 50;

/** `holders` may take so many times the other's median. */
const targets = { lsof: 1, ss: 3 } as const;

/** Forks processes that each hold pairs of UNIX sockets and files, and waits. Perl, because a Node takes 40 MB. */
const crowd = String.raw`
use Socket; $| = 1;
my ($processes, $each) = @ARGV; my @children;
for (1 .. $processes) {
  my $child = fork() // die "fork: $!\n";
  if (!$child) {
    my @held;
    for (1 .. $each / 4) {
      socketpair(my $one, my $other, AF_UNIX, SOCK_STREAM, 0); open(my $file, '<', '/dev/null'); open(my $list, '<', '/etc/passwd');
      push @held, $one, $other, $file, $list;
    }
    sleep 1_000_000; exit;
  }
  push @children, $child;
}
sleep 2; print "ready\n"; <STDIN>; kill 9, @children;
`;

interface Contestant {
  name: string;
  command: (rig: Rig) => [string, ...string[]];
}

const contestants: readonly Contestant[] = [
  { name: 'holders', command: (rig) => [rig.node, `${rig.app}/bin/cardcheck.cjs`, 'holders', '--json'] },
  { name: 'lsof', command: (rig) => ['lsof', '-n', '+E', '-aU', '-p', String(rig.pcscd.insidePid)] },
  { name: 'ss', command: () => ['ss', '-xnp'] },
  { name: 'node -e 0', command: (rig) => [rig.node, '-e', '0'] },
];

/** Medians in ms, by name. */
async function measure(rig: Rig, rounds: number): Promise<Map<string, number>> {
  const times = new Map(contestants.map(({ name }) => [name, [] as number[]]));
  for (let round = 0; round < rounds; round++) {
    for (const { name, command } of [...contestants].sort(() => Math.random() - 0.5)) {
      const [program, ...args] = command(rig);
      const start = performance.now();
      const { exitCode, stderr } = await rig.run(program, args, { cwd: '/', timeoutMs: 60_000 });
      if (exitCode !== 0) throw new Error(`${name} ended with ${exitCode}: ${stderr}`);
      times.get(name)?.push(performance.now() - start);
    }
  }
  return new Map([...times].map(([name, list]) => [name, list.sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0]));
}

function show(title: string, medians: ReadonlyMap<string, number>): void {
  process.stdout.write(`${title.padEnd(44)}${[...medians].map(([name, ms]) => `${name} ${Math.round(ms)} ms`).join(', ')}\n`);
}

const rounds = Number(process.argv[2] ?? DEFAULT_ROUNDS);
const rig = await startRig({ readers: [{}, {}] });
await rig.hold(rig.readers[0] ?? '', 'exclusive');
await rig.hold(rig.readers[1] ?? '', 'transaction');
const alone = await measure(rig, rounds);
show('alone', alone);

const others = await rig.spawn('perl', ['-e', crowd, String(PROCESSES), String(DESCRIPTORS_EACH)], { stdio: ['pipe', 'pipe', 'inherit'] });
await once(others.child.stdout as NodeJS.ReadableStream, 'data');
const crowded = await measure(rig, rounds);
show(`beside ${PROCESSES} processes, ${PROCESSES * DESCRIPTORS_EACH} descriptors`, crowded);
others.child.stdin?.end('\n');
await others.exited;

const clients: Holder[] = [];
while (clients.length < MORE_CLIENTS) clients.push(await rig.hold(rig.readers[0] ?? '', 'context'));
show(`alone again, with ${MORE_CLIENTS} more clients of pcscd`, await measure(rig, rounds));
for (const client of clients) await client.kill();
await rig.stop();

const holders = crowded.get('holders') ?? Number.POSITIVE_INFINITY;
let isMissed = false;
for (const [name, target] of Object.entries(targets)) {
  const ratio = holders / (crowded.get(name) ?? 1);
  isMissed ||= ratio > target;
  process.stdout.write(`holders / ${name}: ${ratio.toFixed(2)} (at most ${target.toFixed(1)})\n`);
}
const growth = holders - (crowded.get('node -e 0') ?? 0) - ((alone.get('holders') ?? 0) - (alone.get('node -e 0') ?? 0));
process.stdout.write(`what the other processes cost holders beyond what they cost a bare Node: ${Math.round(growth)} ms\n`);
process.exit(isMissed ? 1 : 0);
