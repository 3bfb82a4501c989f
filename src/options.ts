/** What can be asked of a run: the options of the command line and the form in which the rest of the program gets them. */
import { type Command, InvalidArgumentError, Option, type OptionValues } from '@commander-js/extra-typings';
import { type Code, codes } from '../checks/codes.ts';
import type { CollectOptions } from './collect/collector.ts';
import type { FailOn } from './exit-code.ts';
import type { Detail } from './report/document.ts';

export interface Suppression {
  /** A code or id as it was written. */
  check: string;
  /** Glob over the names of subjects. */
  subject: string;
}

export interface OutputOptions {
  format: 'text' | 'ink' | 'json' | null;
  /** A file in place of stdout. */
  output: string | null;
  detail: Detail;
  /** null: as the terminal and the environment want it. */
  color: boolean | null;
  /** Columns; null: as the terminal has. */
  width: number | null;
}

export interface Options extends OutputOptions {
  collect: CollectOptions;
  /** null: all. */
  only: Code[] | null;
  skip: Code[];
  suppress: Suppression[];
  failOn: FailOn;
  allowUnknown: boolean;
  from: string | null;
  save: string | null;
  /** null: what is saved is redacted, what is printed is not. */
  redact: boolean | null;
}

const DEFAULT_TIMEOUT_S = 1.5;
const LONGEST_TIMEOUT_S = 60;
const NARROWEST = 40;
const WIDEST = 1000;

function numberBetween(least: number, most: number, unit: string): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (text.trim() === '' || !(number >= least && number <= most)) throw new InvalidArgumentError(`It must be a number of ${unit} from ${least} to ${most}.`);
    return number;
  };
}

/** Reads the columns of `--width`. */
export const columns = numberBetween(NARROWEST, WIDEST, 'columns');

const idOf = (code: Code): string => codes[code].id;

/** The codes a word stands for: a code itself in either case, or an id, which several codes may share. */
export function codesNamed(word: string): Code[] {
  const all = Object.keys(codes) as Code[];
  return all.filter((code) => code === word.toUpperCase() || idOf(code) === word.toLowerCase());
}

function codeList(text: string, earlier: Code[] = []): Code[] {
  const words = text.split(',').map((word) => word.trim()).filter(Boolean);
  if (words.length === 0) throw new InvalidArgumentError('It must name codes or ids of checks.');
  return [...earlier, ...words.flatMap((word) => {
    const named = codesNamed(word);
    if (named.length === 0) throw new InvalidArgumentError(`No check is called ${word}; cardcheck checks lists them.`);
    return named;
  })];
}

function fileName(text: string): string {
  if (text === '' || text === '-') throw new InvalidArgumentError('It must be the name of a file: stdout is for the report.');
  return text;
}

function suppressions(text: string, earlier: Suppression[] = []): Suppression[] {
  const at = text.indexOf('=');
  if (at < 1 || at === text.length - 1) throw new InvalidArgumentError('It must be CODE=SUBJECT, e.g. CC101=Yubico*.');
  return [...earlier, { check: text.slice(0, at), subject: text.slice(at + 1) }];
}

/** The options of every command that prints a report. */
export function withOutput<A extends unknown[], O extends OptionValues>(command: Command<A, O>) {
  return command
    .optionsGroup('Output:')
    .addOption(new Option('--json', 'one JSON document (cardcheck schema describes it)').conflicts('format'))
    .addOption(new Option('--format <name>', 'default: ink on a terminal, text elsewhere').choices(['text', 'ink', 'json'] as const).env('CARDCHECK_FORMAT'))
    .addOption(new Option('-o, --output <file>', 'write the report there; - is stdout'))
    .addOption(new Option('-q, --quiet', 'the verdict only').conflicts('verbose'))
    .addOption(new Option('-v, --verbose', 'everything that was asked and seen'))
    .addOption(new Option('--color', 'colours even into a pipe'))
    .addOption(new Option('--no-color', 'no colours'))
    .addOption(new Option('--width <columns>', 'where prose is wrapped').argParser(columns).env('CARDCHECK_WIDTH'));
}

/** How the machine is examined without harm: the options of every command that takes a snapshot. */
export function withSafety<A extends unknown[], O extends OptionValues>(command: Command<A, O>) {
  return command
    .optionsGroup('Safety:')
    .addOption(new Option('--passive', 'only look: no connect to any card, no waking of pcscd').env('CARDCHECK_PASSIVE'))
    .addOption(new Option('--no-wake', 'leave a sleeping pcscd asleep'))
    .addOption(new Option('--no-exclusive', 'never try an exclusive connect, not even on a free reader'))
    .addOption(new Option('--timeout <seconds>', 'for each answer of a daemon or a card').argParser(numberBetween(0.1, LONGEST_TIMEOUT_S, 'seconds')).default(DEFAULT_TIMEOUT_S).env('CARDCHECK_TIMEOUT'));
}

/** All options of the main job. */
export function withRun<A extends unknown[], O extends OptionValues>(command: Command<A, O>) {
  return withSafety(
    withOutput(
      command
        .optionsGroup('What to check:')
        .addOption(new Option('--reader <glob>', 'only readers whose name matches'))
        .addOption(new Option('--only <codes>', 'only these checks: codes or ids, separated by commas').argParser(codeList))
        .addOption(new Option('--skip <codes>', 'all checks but these').argParser(codeList))
        .addOption(new Option('--suppress <code=subject>', 'leave out findings about subjects that match the glob; repeatable').argParser(suppressions))
        .addOption(new Option('--fail-on <severity>', 'exit 1 from this severity on').choices(['never', 'error', 'warning', 'info'] as const).default('error' as const).env('CARDCHECK_FAIL_ON'))
        .addOption(new Option('--allow-unknown', 'exit 0 although a check could not answer')),
    )
      .optionsGroup('Replay & sharing:')
      .addOption(new Option('--save <file>', 'write the snapshot there, redacted').argParser(fileName))
      .addOption(new Option('--from <file>', 'examine a saved snapshot in place of this machine; - is stdin'))
      .addOption(new Option('--redact', 'pseudonyms for users, hosts and serials in the report as well'))
      .addOption(new Option('--no-redact', 'no pseudonyms, not even in what is saved')),
  );
}

type RawOf<F extends (command: Command) => { opts(): unknown }> = ReturnType<ReturnType<F>['opts']>;
type RawOutput = RawOf<typeof withOutput<[], {}>>;
type RawRun = RawOf<typeof withRun<[], {}>>;
type RawSafety = RawOf<typeof withSafety<[], {}>>;

export function outputOptions(raw: RawOutput): OutputOptions {
  return {
    format: raw.json === true ? 'json' : (raw.format ?? null),
    output: raw.output === '-' ? null : (raw.output ?? null),
    detail: raw.quiet === true ? 'verdict' : raw.verbose === true ? 'all' : 'normal',
    color: raw.color ?? null,
    width: raw.width ?? null,
  };
}

/** @param reader glob; null: all */
export function collectOptions({ passive, wake, exclusive, timeout }: RawSafety, reader: string | null): CollectOptions {
  const only = passive === true;
  return { passive: only, wake: wake && !only, exclusive: exclusive && !only, timeoutMs: timeout * 1000, reader };
}

export function runOptions(raw: RawRun): Options {
  return {
    ...outputOptions(raw),
    collect: collectOptions(raw, raw.reader ?? null),
    only: raw.only ?? null,
    skip: raw.skip ?? [],
    suppress: raw.suppress ?? [],
    failOn: raw.failOn,
    allowUnknown: raw.allowUnknown === true,
    from: raw.from ?? null,
    save: raw.save ?? null,
    redact: raw.redact ?? null,
  };
}
