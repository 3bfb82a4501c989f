/** A value of a property list as far as drivers use them. */
export type PlistValue = string | string[];

/**
 * The strings and arrays of strings of an XML property list, by key. Tolerant like pcsc-lite's own reader
 * (tokenparser.l), which knows no XML either: anything else is passed over.
 * Takes time in proportion to the text, whatever is in it; entities that a document declares are not expanded.
 * @returns null when the text holds not a single key
 */
export function parsePlist(text: string): Map<string, PlistValue> | null {
  const values = new Map<string, PlistValue>();
  let key: string | null = null;
  let array: string[] | null = null;
  for (const [, tag, content, close] of withoutComments(text).matchAll(/<(key|string)>([^<]*)<\/\1>|<(\/?)array>/g)) {
    if (tag === 'key') {
      key = decode(content as string).trim();
    } else if (tag === 'string') {
      const value = decode(content as string);
      if (array !== null) array.push(value);
      else if (key !== null) values.set(key, value);
      if (array === null) key = null;
    } else if (close === '') {
      array = [];
      if (key !== null) values.set(key, array);
    } else {
      array = null;
      key = null;
    }
  }
  return values.size === 0 ? null : values;
}

/** No regular expression: one that skips comments needs quadratic time for a text of nothing but their beginnings. */
function withoutComments(text: string): string {
  const [before = '', ...rest] = text.split('<!--');
  return before + rest.map((part) => part.slice(part.includes('-->') ? part.indexOf('-->') + 3 : part.length)).join('');
}

const ENTITIES: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
const decode = (text: string): string => (text.includes('&') ? text.replace(/&(lt|gt|amp|quot|apos);/g, (_, name: string) => ENTITIES[name] as string) : text);
