/** From typed blocks to lines of a given width: the one place that knows about columns, shared by every renderer for eyes. */
import { spellAscii, type Style, type Token, type Tone } from './style.ts';

export type Block =
  /** Prose: wrapped; continuation lines are indented by `hang`. */
  | { kind: 'prose'; indent: number; hang: number; tokens: Token[] }
  /** To be copied: never wrapped, never framed, as it stands. */
  | { kind: 'verbatim'; indent: number; tokens: Token[] }
  | { kind: 'blank' };

export type Line = Token[];

export const token = (text: string, tone: Tone = 'plain'): Token => ({ text, tone });
export const prose = (indent: number, tokens: (Token | string)[], hang = indent): Block => ({
  kind: 'prose',
  indent,
  hang,
  tokens: tokens.map((part) => (typeof part === 'string' ? token(part) : part)),
});
/** A command or a line to write, which stand out; or tokens of other tones, as of a line that is quoted. */
export const verbatim = (indent: number, ...parts: (Token | string)[]): Block => ({ kind: 'verbatim', indent, tokens: parts.map((part) => (typeof part === 'string' ? token(part, 'strong') : part)) });
export const blank: Block = { kind: 'blank' };

/** Prose is never squeezed into fewer columns than these, however deep its indent. */
const NARROWEST_PROSE = 20;

export function layout(blocks: readonly Block[], { width, ascii }: Pick<Style, 'width' | 'ascii'>): Line[] {
  const spell = (part: Token): Token => (ascii ? { ...part, text: spellAscii(part.text) } : part);
  return blocks.flatMap((block): Line[] => {
    if (block.kind === 'blank') return [[]];
    if (block.kind === 'verbatim') return [[token(' '.repeat(block.indent)), ...block.tokens]];
    return wrap(block.tokens.map(spell), block.indent, block.hang, width);
  });
}

/** A word with its spaces before it; a word may change its tone in the middle. */
interface Word {
  gap: Token;
  parts: Token[];
}

function wrap(tokens: readonly Token[], indent: number, hang: number, width: number): Line[] {
  const limit = Math.max(width, hang + NARROWEST_PROSE);
  const lines: Line[] = [];
  let line: Line = [];
  let used = 0;
  let start = 0;
  const startLine = (at: number) => {
    line = [token(' '.repeat(at))];
    lines.push(line);
    used = start = at;
  };
  const put = (part: Token) => {
    line.push(part);
    used += cells(part.text);
  };
  startLine(indent);
  for (const { gap, parts } of words(tokens)) {
    const size = parts.reduce((sum, part) => sum + cells(part.text), cells(gap.text));
    if (used > start && used + size > limit) startLine(hang);
    if (used > start) put(gap);
    for (const { text, tone } of parts) {
      for (const piece of pieces(text, limit - hang)) {
        if (used > start && used + cells(piece) > limit) startLine(hang);
        put({ text: piece, tone });
      }
    }
  }
  return lines;
}

function words(tokens: readonly Token[]): Word[] {
  const found: Word[] = [];
  let gap: Token | null = token('');
  for (const { text, tone } of tokens) {
    for (const piece of text.split(/( +)/)) {
      if (piece === '') continue;
      if (piece.startsWith(' ')) gap = { text: gap === null ? piece : gap.text + piece, tone };
      else if (gap === null) found.at(-1)?.parts.push({ text: piece, tone });
      else {
        found.push({ gap, parts: [{ text: piece, tone }] });
        gap = null;
      }
    }
  }
  return found;
}

/** A word cut into pieces of at most `room` columns, because no line would hold it: file paths, serial numbers. */
function pieces(word: string, room: number): string[] {
  if (cells(word) <= room) return [word];
  const cut: string[] = [''];
  for (const character of word) {
    const last = cut.at(-1) as string;
    if (cells(last) + cells(character) > room) cut.push(character);
    else cut[cut.length - 1] = last + character;
  }
  return cut;
}

const ASCII = /^[\x20-\x7e]*$/;
const COMBINING = /\p{M}/u;
/** East Asian Wide and Fullwidth (Unicode UAX #11) and emoji, by block. */
const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** Columns a terminal gives the text. */
export function cells(text: string): number {
  if (ASCII.test(text)) return text.length;
  let sum = 0;
  for (const character of text) sum += COMBINING.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return sum;
}
