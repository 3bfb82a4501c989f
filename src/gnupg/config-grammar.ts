/**
 * The grammar of GnuPG's option files, as gpgrt_argparser reads them (libgpg-error src/argparse.c, 1.38 and later).
 * It is stricter than it looks: a comment stands only at the start of a line, an option has no `=`, no dashes in
 * front and no abbreviation. What the real program rejects must be told apart from what it ignores on purpose.
 */
import type { ScdaemonConfig } from '../snapshot/schema.ts';
import type { KnownOption, OptionTable } from './option-table.ts';

export type ConfigLine = ScdaemonConfig['lines'][number];
export type ConfigProblem = ScdaemonConfig['problems'][number];

export interface ConfigFile {
  path: string;
  text: string;
  /** The file in the system's folder, where alone `[force]` and its like are allowed. */
  global: boolean;
}

export interface ParsedConfig {
  /** Options in force, in the order in which they take effect. */
  lines: ConfigLine[];
  /** Lines that do not do what they seem to, in the order of the files. */
  problems: ConfigProblem[];
}

/** Bytes of a keyword, or of a meta command with its opening bracket. */
const MAX_KEYWORD = 99;
/** Depth of `[if]` (struct argparse_internal_s, if_active). */
const MAX_CONDITIONS = 7;
/** A line longer than this is cut in what is shown of it. */
const SHOWN = 200;
/** Of one file; one that is no configuration at all has thousands, and the rest is counted. */
const MOST_REJECTED = 20;
/** What isspace() of the C locale takes for blank, apart from the newline. */
const BLANK = ' \t\v\f\r';
const LEADING_BLANKS = new RegExp(`^[${BLANK}]+`);
/** Only where a run of blanks begins: from within a long one in the middle of a line, each search would go to its end. */
const TRAILING_BLANKS = new RegExp(`(?<![${BLANK}])[${BLANK}]+$`);
const BLANKS = new RegExp(`[${BLANK}]+`);

/** A NUL ends what a C program sees of a string. */
const upToNul = (text: string): string => text.replace(/\0.*$/s, '');
const trim = (text: string): string => text.replace(LEADING_BLANKS, '').replace(TRAILING_BLANKS, '');

/** Attributes a global file gives to an option. */
interface Attributes {
  forced?: string;
  ignored?: boolean;
  /** Named in a scope of [ignore] or [-ignore], so that [ignore-all] leaves it alone. */
  explicit?: boolean;
}

/** true, false, or null: the condition hangs on something only scdaemon's own environment can tell. */
type Condition = boolean | null;

/** What the reading of one file keeps from line to line. */
interface Scope {
  file: ConfigFile;
  tolerated: Set<string>;
  rejected: number;
  user: { seen: boolean; active: boolean; any: boolean; wildcard: boolean };
  marks: { force: boolean; ignore: boolean; explicit: boolean; ignoreAll: boolean };
}

interface Reading {
  table: OptionTable;
  userName: string | null;
  attributes: Map<string, Attributes>;
  /** One that is left open at the end of the global file goes on in the user's. */
  conditions: Condition[];
  result: ParsedConfig;
}

/** The message gpgrt prints for a line it rejects. */
class Rejected extends Error {}

/**
 * Reads the files of one scdaemon in their order, global first.
 * @param table what this scdaemon knows; an option it does not know is rejected
 * @param userName for `[user NAME]` sections of the global file; null: unknown, no section applies
 */
export function parseConfig(files: readonly ConfigFile[], table: OptionTable, userName: string | null): ParsedConfig {
  const reading: Reading = { table, userName, attributes: new Map(), conditions: [], result: { lines: [], problems: [] } };
  for (const file of files) readConfigFile(reading, file);
  return reading.result;
}

function readConfigFile(reading: Reading, file: ConfigFile): void {
  const scope: Scope = {
    file,
    tolerated: new Set(),
    rejected: 0,
    user: { seen: false, active: false, any: false, wildcard: false },
    marks: { force: false, ignore: false, explicit: false, ignoreAll: false },
  };
  file.text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .forEach((line, index) => {
      try {
        readLine(reading, scope, line, index + 1);
      } catch (error) {
        if (!(error instanceof Rejected)) throw error;
        report(reading, scope, index + 1, line, 'rejected', error.message);
      }
    });
  const more = scope.rejected - MOST_REJECTED;
  if (more > 0) reading.result.problems.push({ file: file.path, line: null, text: null, effect: 'rejected', message: `${more} more of its lines ${more === 1 ? 'is' : 'are'} rejected` });
  if (scope.marks.ignoreAll) ignoreTheRest(reading);
}

function report(reading: Reading, scope: Scope, line: number, text: string, effect: ConfigProblem['effect'], message: string): void {
  if (effect === 'rejected' && ++scope.rejected > MOST_REJECTED) return;
  reading.result.problems.push({ file: scope.file.path, line, text: trim(text).slice(0, SHOWN), effect, message });
}

function readLine(reading: Reading, scope: Scope, raw: string, number: number): void {
  const line = raw.replace(LEADING_BLANKS, '');
  if (line === '' || line.startsWith('#')) return;
  if (line.startsWith('[')) return metaCommand(reading, scope, metaKeyword(line));
  if (reading.conditions.at(-1) === false) return;
  if (reading.conditions.includes(null)) return report(reading, scope, number, raw, 'unevaluated', 'stands in a condition that only scdaemon itself can evaluate');
  optionLine(reading, scope, raw, line, number);
}

function optionLine(reading: Reading, scope: Scope, raw: string, line: string, number: number): void {
  const end = line.search(BLANKS);
  const word = end === -1 ? line : line.slice(0, end);
  if (Buffer.byteLength(word) > MAX_KEYWORD) throw new Rejected('keyword too long');
  const keyword = upToNul(word);
  const rest = end === -1 ? null : line.slice(end).replace(LEADING_BLANKS, '');

  const option = reading.table.get(keyword);
  if (option === undefined) return unknownKeyword(scope, keyword, rest);
  if (rest === null && scope.file.global && scope.user.seen && !scope.user.active) return;
  if (rest === null && option.dummy) return;

  const attributes = mark(reading, scope, keyword);
  const overridden = scope.file.global ? attributes.ignored === true && attributes.forced === undefined : attributes.ignored === true || attributes.forced !== undefined;
  if (overridden) return report(reading, scope, number, raw, 'overridden', overriddenBy(attributes, scope));

  const value = argument(option, rest);
  // A dummy is skipped only where the line ends right after it; with a blank behind, the program meets and rejects it.
  if (option.dummy) throw new Rejected('invalid option');
  reading.result.lines.push({ file: scope.file.path, line: number, option: keyword, value });
}

function overriddenBy({ forced }: Attributes, scope: Scope): string {
  return forced !== undefined && !scope.file.global ? `without effect: ${forced} forces this option` : 'without effect: the global file has it ignored';
}

/** Sets the attributes the global file is just giving. */
function mark(reading: Reading, { file, marks }: Scope, keyword: string): Attributes {
  const attributes = reading.attributes.get(keyword) ?? {};
  if (file.global) {
    if (marks.force) attributes.forced = file.path;
    if (marks.ignore) attributes.ignored = true;
    if (marks.explicit) attributes.explicit = true;
    reading.attributes.set(keyword, attributes);
  }
  return attributes;
}

function ignoreTheRest(reading: Reading): void {
  for (const name of reading.table.keys()) {
    const attributes = reading.attributes.get(name) ?? {};
    if (attributes.explicit !== true) reading.attributes.set(name, { ...attributes, ignored: true });
  }
}

function unknownKeyword(scope: Scope, keyword: string, rest: string | null): void {
  if (keyword === 'ignore-invalid-option') {
    for (const name of (rest ?? '').split(BLANKS)) if (name !== '' && Buffer.byteLength(name) <= MAX_KEYWORD) scope.tolerated.add(name);
    return;
  }
  if (keyword === 'alias' && rest !== null) return alias(rest);
  if (!scope.tolerated.has(keyword)) throw new Rejected('invalid option');
}

/** gpgrt keeps aliases of more than 99 bytes only, and no program uses them. */
function alias(rest: string): void {
  if (rest === '') throw new Rejected('missing argument');
  if (Buffer.byteLength(rest) <= MAX_KEYWORD) throw new Rejected('argument not expected');
  if (!/^[^ \t]+[ \t]+[^ \t\v\f\r]/.test(rest)) throw new Rejected('invalid alias definition');
}

const INT_RANGE = { int: 2n ** 31n, long: 2n ** 63n, ulong: 2n ** 64n };

/** @param rest what follows the keyword and its blanks; null: the line ends with the keyword */
function argument(option: KnownOption, rest: string | null): string | null {
  if (rest === null || rest === '') {
    if (option.argument !== 'none' && !option.optional) throw new Rejected('missing argument');
    return null;
  }
  if (option.argument === 'none') throw new Rejected('argument not expected');
  const value = unquote(upToNul(rest).replace(TRAILING_BLANKS, ''));
  return option.argument === 'string' ? value : integer(value, option.argument, option.prefix);
}

/** One quotation mark in front is removed, and one at the end only with it. */
function unquote(value: string): string {
  if (!value.startsWith('"')) return value;
  const inner = value.slice(1);
  return inner.endsWith('"') ? inner.slice(0, -1) : inner;
}

/** strtol: digits as far as they go, 0 without any. */
function integer(text: string, type: keyof typeof INT_RANGE, prefix: boolean): string {
  const value = leadingInteger(text, prefix);
  const range = INT_RANGE[type];
  const inRange = type === 'ulong' ? value >= 0n && value < range && !trim(text).startsWith('-') : value >= -range && value < range;
  if (!inRange) throw new Rejected('invalid argument');
  return value.toString();
}

function leadingInteger(text: string, prefix: boolean): bigint {
  const match = /^([-+]?)(0x[0-9a-f]+|\d+)/i.exec(trim(text));
  if (match === null) return 0n;
  const digits = match[2] as string;
  const sign = match[1] === '-' ? -1n : 1n;
  if (!prefix) return sign * BigInt(/^\d+/.exec(digits)?.[0] ?? 0);
  if (/^0[0-7]/.test(digits)) return sign * BigInt(`0o${/^0([0-7]+)/.exec(digits)?.[1] ?? 0}`);
  return sign * BigInt(digits);
}

/** What stands between the brackets. */
function metaKeyword(line: string): string {
  const close = line.indexOf(']');
  if (Buffer.byteLength(close === -1 ? line : line.slice(0, close)) > MAX_KEYWORD) throw new Rejected('keyword too long');
  if (close === -1 || !new RegExp(`^[${BLANK}]*(#|$)`).test(line.slice(close + 1))) throw new Rejected('invalid meta command');
  const keyword = trim(line.slice(1, close));
  if (keyword === '') throw new Rejected('invalid meta command');
  return keyword;
}

interface MetaCommand {
  needsArgument: boolean;
  /** Allowed in a user's file as well. */
  anywhere: boolean;
  /** Done in a [user] section of somebody else, too. */
  always?: boolean;
  apply(scope: Scope, argument: string, reading: Reading): void;
}

const nothing = () => {};
const setMark = (name: 'force' | 'ignore', value: boolean): MetaCommand => ({
  needsArgument: false,
  anywhere: false,
  apply: ({ marks }) => {
    marks[name] = value;
    if (name === 'ignore') marks.explicit = true;
  },
});
const ignoreAll: MetaCommand = { needsArgument: false, anywhere: false, apply: ({ marks }) => (marks.ignoreAll = true) };
/** Variables, messages and modes change nothing in what is set, short of conditions on them. */
const harmless = (needsArgument: boolean): MetaCommand => ({ needsArgument, anywhere: true, apply: nothing });

/** libgpg-error src/argparse.c, handle_metacmd. */
const META_COMMANDS: Record<string, MetaCommand> = {
  user: { needsArgument: true, anywhere: false, always: true, apply: userSection },
  if: { needsArgument: true, anywhere: true, apply: openCondition },
  else: { needsArgument: false, anywhere: true, apply: (_scope, _argument, { conditions }) => elseCondition(conditions) },
  fi: { needsArgument: false, anywhere: true, apply: (_scope, _argument, { conditions }) => void conditions.pop() },
  force: setMark('force', true),
  '+force': setMark('force', true),
  '-force': setMark('force', false),
  ignore: setMark('ignore', true),
  '+ignore': setMark('ignore', true),
  '-ignore': setMark('ignore', false),
  'ignore-all': ignoreAll,
  '+ignore-all': ignoreAll,
  let: harmless(true),
  '-let': harmless(true),
  getenv: harmless(true),
  getreg: harmless(true),
  echo: harmless(true),
  '-echo': harmless(true),
  info: harmless(true),
  '-info': harmless(true),
  expand: harmless(false),
  '+expand': harmless(false),
  '-expand': harmless(false),
  verbose: harmless(false),
  '+verbose': harmless(false),
  '-verbose': harmless(false),
  'command-mode': harmless(false),
  '+command-mode': harmless(false),
  '-command-mode': harmless(false),
};
const CONDITIONALS = new Set(['if', 'else', 'fi']);

function metaCommand(reading: Reading, scope: Scope, keyword: string): void {
  const end = keyword.search(BLANKS);
  const name = end === -1 ? keyword : keyword.slice(0, end);
  const argument = end === -1 ? '' : trim(keyword.slice(end));
  const command = Object.hasOwn(META_COMMANDS, name) ? META_COMMANDS[name] : undefined;
  if (command === undefined) throw new Rejected('unknown meta command');
  if (command.needsArgument && argument === '') throw new Rejected('missing argument');
  if (!command.needsArgument && argument !== '') throw new Rejected('argument not expected');
  if (!scope.file.global && !command.anywhere) throw new Rejected('unexpected meta command');

  const otherUser = scope.file.global && scope.user.seen && !scope.user.active;
  if (otherUser && command.always !== true) return;
  if (reading.conditions.at(-1) === false && !CONDITIONALS.has(name)) return;
  command.apply(scope, argument, reading);
}

/** After `[user *]`, which applies when no section before it did, no other section does. */
function userSection({ user }: Scope, name: string, { userName }: Reading): void {
  user.seen = true;
  if (name === '*') {
    user.wildcard = true;
    user.active = !user.any;
  } else {
    user.active = !user.wildcard && userName !== null && name.toLowerCase() === userName.toLowerCase();
    user.any ||= user.active;
  }
}

/** gpgrt's [else] never turns a false condition into a true one. */
function elseCondition(conditions: Condition[]): void {
  const last = conditions.pop();
  if (last !== undefined) conditions.push(last === null ? null : false);
}

function openCondition(_scope: Scope, argument: string, { conditions }: Reading): void {
  if (conditions.length === MAX_CONDITIONS) throw new Rejected('unexpected meta command');
  conditions.push(conditions.at(-1) === false ? false : condition(argument));
}

type Comparison = (left: string, right: string) => boolean;
const numeric =
  (compare: (left: bigint, right: bigint) => boolean): Comparison =>
  (left, right) =>
    compare(leadingInteger(left, true), leadingInteger(right, true));

const COMPARISONS: Record<string, Comparison> = {
  '=': (left, right) => left === right,
  '<>': (left, right) => left !== right,
  '=~': (left, right) => left.includes(right),
  '!~': (left, right) => !left.includes(right),
  '-le': (left, right) => left <= right,
  '-lt': (left, right) => left < right,
  '-gt': (left, right) => left > right,
  '-ge': (left, right) => left >= right,
  '==': numeric((left, right) => left === right),
  '!=': numeric((left, right) => left !== right),
  '<=': numeric((left, right) => left <= right),
  '<': numeric((left, right) => left < right),
  '>': numeric((left, right) => left > right),
  '>=': numeric((left, right) => left >= right),
};
const VERSION_COMPARISON = /^-v[23](le|lt|gt|ge)$/;

/** `STRING`, `STRING -n`, `STRING -z` or `STRING OPERATOR STRING`. Variables are not followed: what they hold is scdaemon's. */
function condition(argument: string): Condition {
  const [left = '', operator = '-n', ...more] = argument.split(BLANKS);
  const right = more.length === 0 ? null : argument.slice(argument.indexOf(operator, left.length) + operator.length).replace(LEADING_BLANKS, '');
  const unary = operator === '-n' || operator === '-z';
  if (unary !== (right === null)) throw new Rejected('invalid meta command');
  const compare = Object.hasOwn(COMPARISONS, operator) ? COMPARISONS[operator] : undefined;
  if (!unary && compare === undefined && !VERSION_COMPARISON.test(operator)) throw new Rejected('invalid meta command');
  if (argument.includes('$') || (!unary && compare === undefined)) return null;
  return unary ? operator === '-n' : (compare as Comparison)(left, right as string);
}
