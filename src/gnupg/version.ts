/** A GnuPG version as numbers; suffixes of distributions (`-unknown`, `+deb12u1`, `-beta5`) do not count. */
export type GnupgVersion = readonly [major: number, minor: number, micro: number];

export function parseVersion(text: string): GnupgVersion | null {
  const match = /^(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?/.exec(text);
  return match === null ? null : [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
}

/** Number of the first line a GnuPG program prints with `--version`: `gpg (GnuPG/MacGPG2) 2.2.40`. */
export function versionInBanner(banner: string): string | null {
  return /^\S+ \([^)\n]{1,60}\) (\d+\.\d+(?:\.\d+)?\S{0,40})/.exec(banner)?.[1] ?? null;
}

/** Negative, zero or positive, number by number: 2.2.9 comes before 2.2.28. */
export function compareVersions(one: GnupgVersion, other: GnupgVersion): number {
  return one[0] - other[0] || one[1] - other[1] || one[2] - other[2];
}

const atLeast = (version: GnupgVersion, ...floor: GnupgVersion): boolean => compareVersions(version, floor) >= 0;

/** From 2.3.0 the internal driver, where built in, is the only way unless disabled (GnuPG scd/apdu.c apdu_open_reader). */
export const hasNoFallback = (version: GnupgVersion): boolean => atLeast(version, 2, 3, 0);

/** From 2.1.19 to the end of 2.2: USB first, then PC/SC when no reader was usable over USB. */
export const fallsBackToPcsc = (version: GnupgVersion): boolean => atLeast(version, 2, 1, 19) && !hasNoFallback(version);

/**
 * Whether scdaemon refuses to start on a line it rejects. From 2.2.26 to the end of 2.2 it prints a message, exits
 * with 0 from `--gpgconf-test` and honours the rest of the file.
 */
export const rejectedLineIsFatal = (version: GnupgVersion): boolean => hasNoFallback(version) || !atLeast(version, 2, 2, 26);

/** Since 2.2.26 scdaemon reads a file in the system's configuration folder as well. */
export const readsGlobalFile = (version: GnupgVersion): boolean => atLeast(version, 2, 2, 26);
