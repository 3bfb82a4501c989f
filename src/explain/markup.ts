/**
 * What pages, chats and mails leave in the lines people paste: marks of code and emphasis, typographic quotes and
 * spaces, entities of HTML, colours. None of it changes what a line says, all of it stands between words that belong together.
 */
// ECMA-48 control sequences, operating system commands and single escapes; then what is left of control bytes.
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f]/g;
/** What each of these begins with. */
const CONTROL = new RegExp(CONTROLS.source);

const SPACES = /[\u00a0\u2000-\u200a\u202f\u205f\u3000]/g;
const INVISIBLE = /[\u200b-\u200d\u2060\ufeff]/g;
const SINGLE_QUOTES = /[\u2018\u2019\u201b]/g;
const DOUBLE_QUOTES = /[\u201c\u201d]/g;
const ENTITIES = new Map([['quot', '"'], ['#34', '"'], ['#39', "'"], ['#x27', "'"], ['apos', "'"], ['lt', '<'], ['gt', '>'], ['nbsp', ' '], ['#160', ' '], ['amp', '&']]);
const ENTITY = new RegExp(`&(${[...ENTITIES.keys()].join('|')});`, 'g');
/** Not a name quoted the way GNU programs do, `so': those have their other end in an apostrophe. */
const CODE_SPAN = /`([^`']+)`/g;
const BOLD = /\*\*([^*]+)\*\*/g;
/** Justified text; what stands at the beginning is a column, or an indent. */
const WIDE_SPACES = /(?<=\S) {2,}(?=\S)/g;

/** Any of the above. */
const MARKED = /[\u00a0\u2000-\u2060\u3000\ufeff&`*]| {2}/;

const ESCAPE = 0x1b;
const BACKTICK = 0x60;
const ASTERISK = 0x2a;
const AMPERSAND = 0x26;
/** First bytes, in UTF-8, of the spaces, quotes and invisible characters above. */
const LEADING = [0xc2, 0xe2, 0xe3, 0xef];

/** Bytes of one line as text: colours, carriage returns and control bytes gone, invalid UTF-8 replaced. */
export function textOf(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  return CONTROL.test(text) ? text.replace(ESCAPES, '').replace(CONTROLS, '') : text;
}

/** The words of a line without what formats them. */
export function withoutMarkup(text: string): string {
  if (!MARKED.test(text)) return text;
  return text
    .replace(SPACES, ' ')
    .replace(INVISIBLE, '')
    .replace(SINGLE_QUOTES, "'")
    .replace(DOUBLE_QUOTES, '"')
    .replace(ENTITY, (_, name: string) => ENTITIES.get(name) as string)
    .replace(CODE_SPAN, '$1')
    .replace(BOLD, '$1')
    .replace(WIDE_SPACES, ' ');
}

/** Whether anything in these bytes could be markup; cheap, and wrong only by saying yes. */
export function mayHaveMarkup(bytes: Buffer): boolean {
  return bytes.includes('  ') || [ESCAPE, BACKTICK, ASTERISK, AMPERSAND, ...LEADING].some((byte) => bytes.includes(byte));
}
