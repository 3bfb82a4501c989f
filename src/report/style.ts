/** How a token is meant; what it looks like is decided at the very end. Only marks have colours, so that every background works. */
export type Tone = 'plain' | 'strong' | 'faint' | 'ok' | 'error' | 'warning' | 'info' | 'unknown';

export interface Token {
  text: string;
  tone: Tone;
}

export interface Style {
  /** Columns; prose is wrapped there, commands are not. */
  width: number;
  colors: boolean;
  /** The locale is not UTF-8: marks and punctuation are spelled in ASCII. */
  ascii: boolean;
}

/** SGR parameters (ECMA-48 §8.3.117): on and off. Bold and faint switch off by the same code. */
const sgr: Record<Tone, readonly [number, number] | null> = {
  plain: null,
  strong: [1, 22],
  faint: [2, 22],
  ok: [32, 39],
  error: [31, 39],
  warning: [33, 39],
  info: [36, 39],
  unknown: [35, 39],
};

export function paint({ text, tone }: Token, colors: boolean): string {
  const codes = colors && text !== '' ? sgr[tone] : null;
  return codes === null ? text : `\x1b[${codes[0]}m${text}\x1b[${codes[1]}m`;
}

export type Mark = 'ok' | 'error' | 'warning' | 'info' | 'unknown' | 'not-examined';

export const marks: Record<Mark, { symbol: string; tone: Tone }> = {
  ok: { symbol: '✓', tone: 'ok' },
  error: { symbol: '✗', tone: 'error' },
  warning: { symbol: '!', tone: 'warning' },
  info: { symbol: 'i', tone: 'info' },
  unknown: { symbol: '?', tone: 'unknown' },
  'not-examined': { symbol: '·', tone: 'faint' },
};

const spelled: Record<string, string> = {
  '✓': '+', '✗': 'x', '·': '-', '…': '...', '–': '-', '—': '-', '→': '->', '≤': '<=', '≥': '>=', '×': 'x',
  '‘': "'", '’': "'", '“': '"', '”': '"', '„': '"', '␛': '\\x1b', '␊': '\\n', '␍': '\\r', '␉': '\\t', '␀': '\\0',
};

/** The text in ASCII: known punctuation spelled out, other characters by their code point. */
export function spellAscii(text: string): string {
  return text.replace(/[^\x20-\x7e]/gu, (character) => spelled[character] ?? `\\u{${(character.codePointAt(0) as number).toString(16)}}`);
}

export interface StyleRequest {
  /** --color / --no-color; null: neither was said. */
  color: boolean | null;
  width: number | null;
  isTTY: boolean;
  /** Of the terminal; undefined in a pipe. */
  columns: number | undefined;
  env: Record<string, string | undefined>;
}

const PIPE_WIDTH = 80;
const WIDEST = 100;
const NARROWEST = 40;

/** The style for one output. Order of precedence for colours: option, FORCE_COLOR, NO_COLOR, TERM=dumb, terminal. */
export function styleFor({ color, width, isTTY, columns, env }: StyleRequest): Style {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG;
  return {
    width: width ?? Math.max(NARROWEST, isTTY ? Math.min(columns ?? PIPE_WIDTH, WIDEST) : PIPE_WIDTH),
    colors: color ?? wantsColors(isTTY, env),
    // macOS's Terminal sets UTF-8 always; a POSIX system without any locale variable is in the C locale.
    ascii: !/utf-?8/i.test(locale ?? ''),
  };
}

function wantsColors(isTTY: boolean, env: StyleRequest['env']): boolean {
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0';
  return isTTY && !env.NO_COLOR && env.TERM !== 'dumb';
}
