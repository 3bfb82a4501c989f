import { createReadStream, type ReadStream } from 'node:fs';
import * as z from 'zod';
import { exitCodes, Failure } from '../exit-code.ts';
import { openPipe } from '../system/pipe.ts';
import { unknownVersion, withTodaysFacts } from './migrate.ts';
import { sanitize, visible } from './sanitize.ts';
import { type Snapshot, snapshotSchema } from './schema.ts';

/** Bytes. A snapshot of a machine with a thousand clients has less than one MiB. */
const LARGEST = 16 * 1024 * 1024;
/** Numbers, words, lists and objects: that snapshot has a hundred thousand. For each one that does not fit, zod keeps a KiB. */
const MOST_VALUES = 300_000;
/** Lists and objects in one another; the schema has a dozen. */
const DEEPEST = 100;
/** Problems that are shown of an invalid file; the rest is counted. */
const SHOWN_PROBLEMS = 5;

/**
 * A saved snapshot, validated and made visible again: the file may come from anybody.
 * @param file path, or `-` for stdin
 * @throws Failure 66 (cannot be read), 65 (too large, not JSON, not a snapshot, of a version this cardcheck does not read)
 */
export async function loadSnapshot(file: string, stdin: NodeJS.ReadableStream = process.stdin): Promise<Snapshot> {
  const name = file === '-' ? 'standard input' : visible(file);
  return parseSnapshot(await read(file, name, stdin), name);
}

/** @param name of the source, for the sentence that rejects it */
export function parseSnapshot(text: string, name: string): Snapshot {
  const reject = (why: string) => new Failure(exitCodes.badData, `${name} is not a snapshot of cardcheck: ${why}`);
  const unfit = unfitShape(text);
  if (unfit !== null) throw reject(unfit);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw reject(text.trim() === '' ? 'it is empty' : `it is not JSON (${visible((error as Error).message)})`);
  }
  const stranger = unknownVersion(json);
  if (stranger !== null) throw reject(visible(stranger));
  if (typeof json === 'object' && json !== null && 'findings' in json) {
    throw reject('it is a report (--json); only what --save wrote can be examined again');
  }
  const result = snapshotSchema.safeParse(withTodaysFacts(json));
  if (!result.success) throw reject(problems(result.error));
  return sanitize(result.data);
}

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];

/** Why JSON of this shape is not even parsed; null: it may be. Millions of brackets take JSON.parse 400 MB and seconds. */
function unfitShape(text: string): string | null {
  let values = 1;
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at);
    if (character === QUOTE) quoted = !quoted;
    else if (quoted) at += character === BACKSLASH ? 1 : 0;
    else if (character === COMMA) values++;
    else if (character === OPEN_LIST || character === OPEN_OBJECT) {
      values++;
      if (++depth > DEEPEST) return `it is nested more than ${DEEPEST} deep`;
    } else if (character === CLOSE_LIST || character === CLOSE_OBJECT) depth--;
    if (values > MOST_VALUES) return `it holds more than ${MOST_VALUES} values`;
  }
  return null;
}

function problems(error: z.ZodError): string {
  const { issues } = error;
  const shown = visible(z.prettifyError(new z.ZodError(issues.slice(0, SHOWN_PROBLEMS))).replace(/\n\s*/g, ' '));
  return issues.length > SHOWN_PROBLEMS ? `${shown} and ${issues.length - SHOWN_PROBLEMS} more` : shown;
}

async function read(file: string, name: string, stdin: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  let stream: NodeJS.ReadableStream | null = null;
  try {
    stream = file === '-' ? stdin : (openPipe(file) ?? createReadStream(file, { end: LARGEST }));
    for await (const chunk of stream) {
      const bytes = Buffer.from(chunk as Buffer);
      size += bytes.length;
      if (size > LARGEST) break;
      chunks.push(bytes);
    }
  } catch (error) {
    throw new Failure(exitCodes.noInput, `cannot read ${name}: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
  } finally {
    if (stream !== null && 'destroy' in stream) (stream as ReadStream).destroy();
  }
  if (size > LARGEST) throw new Failure(exitCodes.badData, `${name} is not a snapshot of cardcheck: it is larger than ${LARGEST / 1024 / 1024} MiB`);
  return Buffer.concat(chunks).toString('utf8');
}
