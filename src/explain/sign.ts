import type { Observation } from './observation.ts';

/** What a line belongs to, for the list of what was recognised. */
export const kinds = {
  gpg: 'gpg message',
  'gpg-number': 'gpg error number',
  scdaemon: 'scdaemon log',
  'gpg-agent': 'gpg-agent log',
  'scdaemon.conf': 'scdaemon.conf',
  pcscd: 'pcscd log',
  libccid: 'libccid log',
  'pcsc-code': 'PC/SC code',
  'pcsc-spy': 'pcsc-spy log',
  kernel: 'kernel log',
  polkit: 'polkit',
  process: 'process listing',
  command: 'command',
  client: 'PC/SC client',
  opensc: 'OpenSC',
  ykman: 'ykman',
  pkcs11: 'PKCS#11',
  ssh: 'ssh and its agent',
  age: 'age-plugin-yubikey',
  agent: 'yubikey-agent, piv-agent',
  sandbox: 'sandbox denial',
  macos: 'macOS',
  systemd: 'systemd unit',
  usb: 'USB listing',
  version: 'version',
  driver: 'driver files',
  environment: 'environment',
  story: 'description',
} as const;
export type Kind = keyof typeof kinds;

/** Kinds of lines that programs write by the million; the others are typed or pasted. */
export const logKinds: ReadonlySet<Kind> = new Set(['gpg', 'scdaemon', 'gpg-agent', 'pcscd', 'libccid', 'pcsc-code', 'kernel', 'polkit', 'sandbox', 'systemd', 'macos', 'opensc', 'agent']);

/**
 * How one kind of line is recognised. `needles` are literal pieces (ASCII case does not matter, at least
 * NEEDLE_LENGTH bytes); one of them is in every line the sign can match, so a line without needles costs nothing.
 */
export interface Sign {
  kind: Kind;
  needles: readonly string[];
  /** Default: a needle alone suffices. Must be linear in the length of the line. */
  pattern?: RegExp;
  /** Says that something works or means nothing: worth knowing of a paste, not worth counting in a large log. */
  reassuring?: true;
  /** Said by every line with a needle, whatever else is in it: such lines need not be read again. */
  fixed?: true;
  /** What the line says; null where a closer look shows it says nothing. */
  see(match: RegExpExecArray, text: string): Observation | readonly Observation[] | null;
}

/** The shortest needle the prefilter can use, in bytes. */
export const NEEDLE_LENGTH = 6;
/** The shortest one that is searched for in large logs: the longer, the rarer the words of it that the search can choose from. */
export const LOG_NEEDLE_LENGTH = 9;

/** A sign whose observation needs no detail of the line. */
export function plain(kind: Kind, observation: Observation, needles: readonly string[], pattern?: RegExp): Sign {
  return { kind, needles, ...(pattern === undefined ? { fixed: true } : { pattern }), see: () => observation };
}

/** A sign of normal work. */
export const reassuring = (...parts: Parameters<typeof plain>): Sign => ({ ...plain(...parts), reassuring: true });

/** A frightening line that means nothing, with the reason. */
export function harmless(kind: Kind, why: string, needles: readonly string[], pattern?: RegExp): Sign {
  return reassuring(kind, { name: 'harmless', why }, needles, pattern);
}

/** A line that shows something working. */
export function sound(kind: Kind, what: string, needles: readonly string[], pattern?: RegExp): Sign {
  return reassuring(kind, { name: 'sound', what }, needles, pattern);
}
