/** What takes an argument, by the low bits of the flags (libgpg-error gpgrt.h, ARGPARSE_TYPE_*). */
const ARGUMENT_TYPES = ['none', 'int', 'string', 'long', 'ulong'] as const;
const TYPE_MASK = 0x07;
const FLAG_OPTIONAL = 0x08;
const FLAG_PREFIX = 0x10;
const FLAG_IGNORE = 0x40;
const FLAG_HEADER = 0x200;
/** `help`, `version` and the like, which gpgrt adds by itself and no program accepts in a file (ARGPARSE_SHORTOPT_HELP and up). */
const FIRST_INTERNAL_NUMBER = 32768;

/** One option a GnuPG program knows, as it describes itself. */
export interface KnownOption {
  argument: (typeof ARGUMENT_TYPES)[number];
  /** The argument may be left out. */
  optional: boolean;
  /** Numbers may be written in octal or hex. */
  prefix: boolean;
  /** Parsed and thrown away. */
  dummy: boolean;
  /** Empty or `@`: not shown in `--help`; on `disable-ccid` it means: built without the internal CCID driver (GnuPG scd/scdaemon.c). */
  description: string;
}

export type OptionTable = ReadonlyMap<string, KnownOption>;

/**
 * Reads the output of `scdaemon --dump-option-table`: lines `NAME:NUMBER:FLAGS:DESCRIPTION:`.
 * Numbers differ between versions, so only names count.
 * @returns null when no line of the text has that form; GnuPG before 2.2.21 or so does not know the command
 */
export function parseOptionTable(text: string): OptionTable | null {
  const table = new Map<string, KnownOption>();
  for (const line of text.split('\n')) {
    const match = /^([a-z][a-z0-9-]*):(\d{1,6}):(\d{1,6}):(.*):$/.exec(line);
    if (match === null) continue;
    const [name, number, flags] = [match[1] as string, Number(match[2]), Number(match[3])];
    if (number >= FIRST_INTERNAL_NUMBER || (flags & FLAG_HEADER) !== 0) continue;
    table.set(name, option(flags, match[4] as string));
  }
  return table.size === 0 ? null : table;
}

function option(flags: number, description: string): KnownOption {
  return {
    argument: ARGUMENT_TYPES[flags & TYPE_MASK] ?? 'string',
    optional: (flags & FLAG_OPTIONAL) !== 0,
    prefix: (flags & FLAG_PREFIX) !== 0,
    dummy: (flags & FLAG_IGNORE) !== 0,
    description,
  };
}

/** Options with an argument in every scdaemon so far (GnuPG scd/scdaemon.c, 2.2.19 to 2.5); all others are flags. */
const ARGUMENT_FLAGS: Record<string, number> = {
  options: 2,
  debug: 2,
  'debug-level': 2,
  'debug-wait': 1,
  'debug-assuan-log-cats': 20,
  'log-file': 2,
  'reader-port': 2,
  'ctapi-driver': 2,
  'pcsc-driver': 2,
  'card-timeout': 4,
  'disable-application': 2,
  'application-priority': 2,
  'compatibility-flags': 2,
  'listen-backlog': 1,
};
const INTERNAL_NAMES = new Set(['help', 'version', 'warranty', 'dump-options', 'dump-option-table']);

/**
 * The table of a scdaemon that has only `--dump-options`: lines `--NAME`. What takes an argument is then known
 * from the sources, and whether the internal CCID driver is built in is not told.
 * @returns null when the text names no option
 */
export function assumeOptionTable(dumpOptions: string): OptionTable | null {
  const names = [...dumpOptions.matchAll(/^--([a-z][a-z0-9-]*)$/gm)].map((match) => match[1] as string).filter((name) => !INTERNAL_NAMES.has(name));
  return names.length === 0 ? null : new Map(names.map((name) => [name, option(ARGUMENT_FLAGS[name] ?? 0, '')]));
}
