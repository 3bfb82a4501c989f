/**
 * Runs inside: a second program that has the card. Its arguments are a name to run under, the reader and the kind of hold.
 */
import { serve } from './channel.ts';
import type { Hold } from './holder.ts';
import { userPin } from './openpgp-card.ts';
import { PcscdClient } from './pcscd-client.ts';

const [name, reader, hold] = process.argv.slice(2) as [string, string, Hold];
process.title = name;

const selectOpenPgp = Buffer.from('00a4040006d27600012401', 'hex');
const verifyUserPin = Buffer.from(`0020008206${Buffer.from(userPin).toString('hex')}`, 'hex');
const askPinState = Buffer.from('00200082', 'hex');
const success = '9000';

const work = { operations: 0, failures: [] as string[] };
let sent = 0;
let isWorking = false;
let working = Promise.resolve();
const client = new PcscdClient();

async function transmit(apdu: Buffer): Promise<string> {
  sent += 1;
  return (await client.transmit(apdu)).toString('hex');
}

/** Select the application and verify the PIN. @throws Error with the card's status word */
async function verifyPin(): Promise<void> {
  for (const apdu of [selectOpenPgp, verifyUserPin]) {
    const answer = await transmit(apdu);
    if (answer !== success) throw new Error(`the card answers ${answer}`);
  }
}

/** Uses the card every `intervalMs` in a way that only works while the PIN stays verified, and notes each failure. */
async function workOn(intervalMs: number): Promise<void> {
  while (isWorking) {
    const outcome = await transmit(askPinState).catch((error: Error) => error.message);
    work.operations += 1;
    if (outcome !== success) work.failures.push(outcome);
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
}

function startWork(intervalMs: number): void {
  isWorking = true;
  working = workOn(intervalMs);
}

/** Settles when the last operation has ended. */
async function stopWork(): Promise<void> {
  isWorking = false;
  await working;
}

async function take(): Promise<void> {
  await client.establishContext();
  if (hold === 'context') return;
  await client.connect(reader, hold === 'transaction' ? 'shared' : hold);
  if (hold === 'transaction') await client.beginTransaction();
}

async function release(): Promise<void> {
  if (hold === 'transaction') await client.endTransaction();
  if (hold !== 'context') await client.disconnect();
  client.close();
}

serve({
  take,
  release,
  verifyPin,
  transmit: (apdu: string) => transmit(Buffer.from(apdu, 'hex')),
  startWork,
  stopWork,
  report: () => ({ ...work, sent }),
});
