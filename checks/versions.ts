/** Compares dotted version numbers by their parts: 2.2.9 comes before 2.2.28. Anything behind the digits is ignored. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [parts(a), parts(b)];
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

export const isAtLeast = (version: string, least: string): boolean => compareVersions(version, least) >= 0;
/** Both ends belong to the range; null: open. */
export const isWithin = (version: string, from: string | null, to: string | null): boolean =>
  (from === null || compareVersions(version, from) >= 0) && (to === null || compareVersions(version, to) <= 0);

const parts = (version: string): number[] => (/^\d+(?:\.\d+)*/.exec(version)?.[0] ?? '').split('.').map(Number);
