import type { Hold } from '../../src/rig/holder.ts';
import type { As } from '../../src/rig/namespace.ts';
import { type Rig, startRig } from '../../src/rig/rig.ts';
import type { Holder as NamedHolder, ReaderReport } from '../../src/report/schema.ts';
import { type Generation, pcscdOf } from './pcscd-generations.ts';

/** A program that uses pcscd, and what of it `cardcheck holders` has to find. */
interface Part {
  does: Hold | 'monitor';
  /** Which reader, by its place in the list. */
  reader: number;
  as: As;
}

/** Ten at once: three contexts without handles, two monitors, three shared handles, one exclusive, one in a transaction. */
const cast: readonly Part[] = [
  { does: 'context', reader: 0, as: 'root' },
  { does: 'context', reader: 1, as: 'user' },
  { does: 'context', reader: 2, as: 'root' },
  { does: 'monitor', reader: 0, as: 'root' },
  { does: 'monitor', reader: 0, as: 'user' },
  { does: 'shared', reader: 0, as: 'root' },
  { does: 'shared', reader: 0, as: 'user' },
  { does: 'shared', reader: 0, as: 'user' },
  { does: 'exclusive', reader: 1, as: 'user' },
  { does: 'transaction', reader: 2, as: 'user' },
];

/** What came of the rounds on one pcscd. */
export interface Tally {
  rounds: number;
  /** Handles and locks that were held, as often as they were asked for. */
  held: number;
  /** As root: of these, proven with the right process and the right access. */
  proven: number;
  /** As an ordinary user: of these, the right process is among those named at all. */
  namedForUser: number;
  /** As an ordinary user: of these, proven. */
  provenForUser: number;
  /** Wrong names that were called proven, and other answers that must not be; by root or user. */
  wrong: string[];
}

/**
 * Lets ten programs use a private pcscd in a shuffled order and asks `cardcheck holders` who holds what, again and again.
 * @param generation of pcscd
 */
export async function attributionRounds(generation: Generation, rounds: number, onRound: (done: number) => void = () => {}): Promise<Tally> {
  const pcscd = await pcscdOf(generation);
  const rig = await startRig({ readers: [{}, {}, {}, {}], ...(pcscd === undefined ? {} : { pcscd }) });
  const tally: Tally = { rounds, held: 0, proven: 0, namedForUser: 0, provenForUser: 0, wrong: [] };
  try {
    for (let round = 1; round <= rounds; round++) {
      await oneRound(rig, round, tally);
      onRound(round);
    }
    return tally;
  } finally {
    await rig.stop();
  }
}

interface Actor {
  part: Part;
  pid: number;
  end(): Promise<void>;
}

async function oneRound(rig: Rig, round: number, tally: Tally): Promise<void> {
  const actors: Actor[] = [];
  for (const part of shuffled(cast)) actors.push(await enter(rig, part));
  const holders = actors.filter(({ part }) => part.does !== 'context' && part.does !== 'monitor');
  const [root, user] = [await askAs(rig, 'root'), await askAs(rig, 'user')];
  for (const { part, pid } of holders) {
    const name = rig.readers[part.reader];
    const found = (readers: readonly ReaderReport[]) => readers.find((reader) => reader.name === name)?.holders.filter((holder) => holder.pid === pid) ?? [];
    tally.held += 1;
    if (found(root).some((holder) => isRight(holder, part))) tally.proven += 1;
    else tally.wrong.push(`round ${round}, root: process ${pid} (${part.does} on ${name}) is not proven: ${JSON.stringify(root.find((reader) => reader.name === name))}`);
    if (found(user).length > 0) tally.namedForUser += 1;
    if (found(user).some((holder) => isRight(holder, part))) tally.provenForUser += 1;
  }
  for (const [as, readers] of [['root', root], ['user', user]] as const) {
    for (const reader of readers) {
      for (const holder of reader.holders.filter(({ certainty }) => certainty === 'proven')) {
        const isTrue = holders.some(({ part, pid }) => rig.readers[part.reader] === reader.name && pid === holder.pid && isRight(holder, part));
        if (!isTrue) tally.wrong.push(`round ${round}, ${as}: ${holder.pid} called proven ${holder.access} on ${reader.name}`);
      }
    }
  }
  for (const actor of shuffled(actors)) await actor.end();
}

/** `unknown` is no claim about how it is held. */
const isRight = ({ access, certainty }: NamedHolder, { does }: Part): boolean => certainty === 'proven' && (access === does || access === 'unknown');

async function askAs(rig: Rig, as: As): Promise<ReaderReport[]> {
  const { stdout, stderr, exitCode } = await rig.run(rig.node, [`${rig.app}/bin/cardcheck.js`, 'holders', '--json'], { as, cwd: '/', timeoutMs: 20_000 });
  if (exitCode !== 0) throw new Error(`cardcheck holders as ${as} ended with ${exitCode}: ${stderr} ${stdout}`);
  return (JSON.parse(stdout) as { readers: ReaderReport[] }).readers;
}

async function enter(rig: Rig, part: Part): Promise<Actor> {
  if (part.does === 'monitor') {
    const monitor = await rig.spawn('pcsc_scan', [], { as: part.as, stdio: 'ignore' });
    const end = async () => {
      monitor.kill('SIGKILL');
      await monitor.exited;
    };
    return { part, pid: monitor.insidePid, end };
  }
  const holder = await rig.hold(rig.readers[part.reader] ?? '', part.does, { as: part.as });
  return { part, pid: holder.insidePid, end: () => holder.release() };
}

function shuffled<T>(list: readonly T[]): T[] {
  return list.map((item) => ({ item, key: Math.random() })).sort((one, other) => one.key - other.key).map(({ item }) => item);
}
