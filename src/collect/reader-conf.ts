import type { System } from '../system/port.ts';

/** One reader that pcscd is told of by hand. */
interface ConfiguredReader {
  friendlyName: string;
}

/** Outcome of a file of /etc/reader.conf.d: its readers, and why pcscd would not start with it. */
export interface ReaderConf {
  readers: ConfiguredReader[];
  error: string | null;
  /** Paths that must exist for pcscd to start; their lines for the message. */
  required: { path: string; line: number }[];
}

const KEYS = ['FRIENDLYNAME', 'DEVICENAME', 'LIBPATH', 'CHANNELID'] as const;
type Key = (typeof KEYS)[number];
/** Tokens of pcsc-lite's configfile.l: comment, quoted text, word; anything else but blanks is an error. */
const TOKEN = /#.*|("[^"\n]*"?|'[^'\n]*'?)|([A-Za-z0-9\\/\-._@:]+)|[ \t]+|(.)/gsu;

/**
 * A file of reader.conf(5) as pcsc-lite reads it (configfile.l): pairs of a key and a value on one line; a reader is
 * complete as soon as it has all four. pcscd exits at start when one of its files has an error.
 */
export function parseReaderConf(text: string): ReaderConf {
  const readers: ConfiguredReader[] = [];
  const required: ReaderConf['required'] = [];
  let error: string | null = null;
  let entry: Partial<Record<Key, string>> = {};
  for (const [index, line] of text.split('\n').entries()) {
    const fail = (what: string) => (error ??= `line ${index + 1}: ${what}`);
    const tokens: string[] = [];
    for (const [, quoted, word, other] of line.matchAll(TOKEN)) {
      const token = quoted ?? word;
      if (token !== undefined) tokens.push(token);
      else if (other !== undefined) fail(`unexpected ${JSON.stringify(other)}`);
    }
    for (let at = 0; at < tokens.length; at += 2) {
      const [key, value] = [tokens[at] as string, tokens[at + 1]];
      if (!isKey(key)) fail(`unknown key ${key.slice(0, 64)}`);
      else if (value === undefined) fail(`${key} has no value`);
      else if (entry[key] !== undefined) fail(`${key} is given twice`);
      else {
        entry[key] = value.replaceAll('"', '');
        if (key === 'LIBPATH' || (key === 'DEVICENAME' && !value.includes(':'))) required.push({ path: entry[key], line: index + 1 });
      }
    }
    if (KEYS.every((key) => entry[key] !== undefined)) {
      readers.push({ friendlyName: entry.FRIENDLYNAME as string });
      entry = {};
    }
  }
  return { readers, error, required };
}

const isKey = (text: string): text is Key => (KEYS as readonly string[]).includes(text);

/** The first problem of a parsed file: of its grammar, or a driver or device that does not exist. */
export async function findError(system: System, { error, required }: ReaderConf): Promise<string | null> {
  if (error !== null) return error;
  for (const { path, line } of required) {
    const exists = await system.stat(path).then(() => true, () => false);
    if (!exists) return `line ${line}: ${path} does not exist`;
  }
  return null;
}
