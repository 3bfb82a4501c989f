/**
 * Runs inside a lab machine of another architecture, where each start of Node takes seconds: `attribution-guest.js
 * ROUNDS GENERATION…` lets programs use each pcscd in a shuffled order and asks `cardcheck holders` as root who holds what.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { layoutsOf } from '../../src/attribution/layouts.ts';
import { LockReader } from '../../src/attribution/locks.ts';
import { MemoryImage } from '../../src/attribution/memory.ts';
import { walk } from '../../src/attribution/walk.ts';
import { ReaderTable } from '../../src/pcsc/socket.ts';
import type { Holder, ReaderReport } from '../../src/report/schema.ts';
import { OpenPgpCard } from '../../src/rig/openpgp-card.ts';
import { PcscdClient } from '../../src/rig/pcscd-client.ts';
import { until } from '../../src/rig/until.ts';
import { VpcdCard } from '../../src/rig/vpcd.ts';
import { valueOf } from '../../src/snapshot/fact.ts';
import type { ReaderState } from '../../src/snapshot/schema.ts';
import { openProcessMemory } from '../../src/system/process-memory.ts';

const run = promisify(execFile);

/** Emulated processors are slow; only a hang is longer than this. */
const patienceMs = 120_000;
const attempts = 6;
const folder = '/run/lab';
const socket = '/run/pcscd/pcscd.comm';
const generationFolder = '/opt/generations';
/** The oldest runs in every generation, as it asks for the oldest C library. */
const vpcd = `${generationFolder}/pcscd-bookworm/root/usr/lib/pcsc/drivers/serial/libifdvpcd.so`;
const firstPort = 0x8c7b;

/** What came of the rounds on one pcscd. */
export interface GenerationResult {
  generation: string;
  version: string;
  /** The layouts that fit its memory. */
  layouts: string[];
  rounds: number;
  /** Handles and locks that were held, as often as they were asked for; of these, proven with the right process and access. */
  held: number;
  proven: number;
  /** How often not all of them were proven and nothing was said wrongly, so that it was asked once more. */
  askedAgain: number;
  /** How often a client that pcscd kept waiting was to be seen, and was seen. */
  waiting: number;
  seenWaiting: number;
  wrong: string[];
}

type Hold = 'context' | 'shared' | 'exclusive' | 'transaction';
interface Part {
  does: Hold;
  reader: number;
  uid: number;
}

const nobody = 65534;
const cast: readonly Part[] = [
  { does: 'context', reader: 0, uid: 0 },
  { does: 'context', reader: 1, uid: nobody },
  { does: 'shared', reader: 0, uid: 0 },
  { does: 'shared', reader: 0, uid: nobody },
  { does: 'shared', reader: 0, uid: nobody },
  { does: 'exclusive', reader: 1, uid: nobody },
  { does: 'transaction', reader: 2, uid: nobody },
];

/** A client in Perl, which starts ten times faster: pcscd's socket protocol (pcsc-lite winscard_msg.h), no library. */
const CLIENT = String.raw`
use strict;
use Socket;
my ($does, $reader, $uid) = @ARGV;
$( = $) = $uid;
$< = $> = $uid;
socket(my $pcscd, AF_UNIX, SOCK_STREAM, 0) or die $!;
connect($pcscd, sockaddr_un('/run/pcscd/pcscd.comm')) or die $!;
sub call {
  my ($command, $body) = @_;
  my $length = length $body;
  syswrite $pcscd, pack('LL', $length, $command) . $body;
  my $answer = '';
  while (length $answer < $length) { sysread $pcscd, $answer, $length - length $answer, length $answer or die 'pcscd hung up' }
  my $rv = unpack 'L', substr $answer, -4;
  die sprintf "command %d: 0x%08X\n", $command, $rv if $rv;
  return $answer;
}
my (undef, $context) = unpack 'LL', call(1, pack 'LLL', 2, 0, 0);
if ($does ne 'context') {
  my $answer = call(4, pack 'La128LLlLL', $context, $reader, $does eq 'exclusive' ? 1 : 2, 3, 0, 0, 0);
  call(7, pack 'lL', unpack('x140 l', $answer), 0) if $does eq 'transaction';
}
$| = 1;
print "ready\n";
sleep 1000;
`;

interface Client {
  part: Part;
  child: ChildProcess;
  pid: number;
}

/** @param ready false for one that pcscd keeps waiting */
async function enter(part: Part, readers: readonly string[], ready = true): Promise<Client> {
  const child = spawn('perl', ['-e', CLIENT, part.does, readers[part.reader] ?? '', String(part.uid)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit').then(() => Promise.reject(new Error(`the client (${part.does}) ended`)));
  if (ready) await Promise.race([once(child.stdout, 'data'), exited]);
  exited.catch(() => undefined);
  return { part, child, pid: child.pid ?? 0 };
}

async function leave({ child }: Client): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

async function readTable(): Promise<ReaderState[]> {
  const table = valueOf(await ReaderTable.open(socket, patienceMs));
  const rows = table && valueOf(await table.read(patienceMs));
  table?.close();
  return rows ?? [];
}

const held = async (): Promise<number> => {
  const client = new PcscdClient(socket);
  const rows = await client.readers();
  client.close();
  return rows.reduce((sum, { sharing }) => sum + Math.abs(sharing), 0);
};

/** What `cardcheck holders` says; nothing where it got no answer in time. */
async function ask(): Promise<ReaderReport[]> {
  const answer = await run('node', ['/opt/tool/cardcheck/bin/cardcheck.cjs', 'holders', '--json'], { timeout: patienceMs }).catch((error: Error) => error);
  if (!(answer instanceof Error)) return (JSON.parse(answer.stdout) as { readers: ReaderReport[] }).readers;
  console.log(answer.message);
  return [];
}

const isRight = ({ access, certainty }: Holder, { does }: Part): boolean => certainty === 'proven' && access === does;

async function oneRound(pcscd: number, readers: readonly string[], result: GenerationResult): Promise<void> {
  const clients: Client[] = [];
  for (const part of shuffled(cast)) clients.push(await enter(part, readers));
  const holders = clients.filter(({ part }) => part.does !== 'context');
  result.held += holders.length;
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const reports = await ask();
    const isProven = ({ part, pid }: Client) => reports.some(({ name, holders: named }) => name === readers[part.reader] && named.some((holder) => holder.pid === pid && isRight(holder, part)));
    for (const report of reports) {
      for (const holder of report.holders.filter(({ certainty }) => certainty === 'proven')) {
        const isTrue = holders.some(({ part, pid }) => pid === holder.pid && readers[part.reader] === report.name && isRight(holder, part));
        if (!isTrue) result.wrong.push(`${holder.pid} called proven ${holder.access} on ${report.name}`);
      }
    }
    const proven = holders.filter(isProven).length;
    if (proven < holders.length && attempt < attempts) {
      console.log(`${proven} of ${holders.length}: ${JSON.stringify(reports)}`);
      result.askedAgain += 1;
      continue;
    }
    result.proven += proven;
    break;
  }
  await seeWaiting(pcscd, readers, result);
  for (const client of shuffled(clients)) await leave(client);
  await until('every handle is given back', async () => (await held()) === 0, patienceMs);
}

/** As `cardcheck watch` sees them: the one client that waits for the end of the transaction, and the layouts that fit. */
async function seeWaiting(pcscd: number, readers: readonly string[], result: GenerationResult): Promise<void> {
  const waiter = await enter({ does: 'shared', reader: 2, uid: 0 }, readers, false);
  const locks = new LockReader(pcscd);
  try {
    result.waiting += 1;
    const isSeen = async () => locks.read(await readTable()) !== null && locks.waiting(await readTable()).length === 1;
    await until('the waiter sleeps', isSeen, patienceMs).then(
      () => (result.seenWaiting += 1),
      (error: Error) => result.wrong.push(error.message),
    );
    result.layouts = await fittingLayouts(pcscd);
  } finally {
    locks.close();
    await leave(waiter);
  }
}

async function fittingLayouts(pcscd: number): Promise<string[]> {
  const table = await readTable();
  const memory = openProcessMemory(pcscd);
  try {
    return layoutsOf(memory.machine).filter((layout) => walk(new MemoryImage(memory), layout, table) !== null).map(({ name }) => name);
  } finally {
    memory.close();
  }
}

function shuffled<T>(list: readonly T[]): T[] {
  return list.map((item) => ({ item, key: Math.random() })).sort((one, other) => one.key - other.key).map(({ item }) => item);
}

/** Two readers of two slots each; the driver keeps its state in static variables, so each loads a copy of its own. */
function configure(): string {
  const place = `${folder}/reader.conf.d`;
  mkdirSync(place, { recursive: true });
  const entries = ['Virtual PCD', 'Virtual PCD B'].map((name, reader) => {
    const library = `${folder}/vpcd-${reader}.so`;
    copyFileSync(vpcd, library);
    return `FRIENDLYNAME "${name}"\nDEVICENAME /dev/null:${firstPort + 2 * reader}\nLIBPATH ${library}\nCHANNELID ${firstPort + 2 * reader}\n`;
  });
  writeFileSync(`${place}/vpcd`, entries.join('\n'));
  return place;
}

async function examine(generation: string, rounds: number): Promise<GenerationResult> {
  const program = `${generationFolder}/pcscd-${generation}/pcscd`;
  rmSync('/run/pcscd', { recursive: true, force: true });
  mkdirSync('/run/pcscd');
  const about = await Promise.all(['--version', '--help'].map(async (option) => (await run(program, [option])).stdout));
  const pcscd = spawn(program, ['--foreground', '--config', configure(), ...(about[1]?.includes('--disable-polkit') ? ['--disable-polkit'] : [])], { stdio: 'inherit' });
  const result: GenerationResult = { generation, version: about[0]?.split('\n')[0] ?? '', layouts: [], rounds: 0, held: 0, proven: 0, askedAgain: 0, waiting: 0, seenWaiting: 0, wrong: [] };
  try {
    await until('every card is powered', async () => (await readTable().catch(() => [])).filter(({ atr }) => atr !== null).length === 4, patienceMs);
    const readers = (await readTable()).map(({ name }) => name);
    for (let round = 1; round <= rounds; round++) {
      await oneRound(pcscd.pid ?? 0, readers, result);
      result.rounds = round;
      console.log(`LAB ${generation}: round ${round}, ${result.proven} of ${result.held} proven, asked again ${result.askedAgain} times, ${result.wrong.length} wrong`);
    }
  } catch (error) {
    result.wrong.push(error instanceof Error ? error.message : String(error));
  }
  const gone = once(pcscd, 'exit');
  pcscd.kill('SIGKILL');
  await gone;
  return result;
}

const [rounds, ...generations] = process.argv.slice(2);
for (let slot = 0; slot < 4; slot++) new VpcdCard(firstPort + slot, new OpenPgpCard(slot + 1), false).insert();
const results: GenerationResult[] = [];
for (const generation of generations) {
  results.push(await examine(generation, Number(rounds)));
  writeFileSync('/opt/out/results.json', JSON.stringify(results, null, 1));
}
process.exit(0);
