/** gpgconf's escapes: %XX in its colon-separated output (GnuPG tools/gpgconf.c). A lone percent sign stays. */
export function percentDecode(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'));
}

/** The folders and sockets of `gpgconf --list-dirs`: lines `NAME:VALUE`. */
export function parseListDirs(text: string): ReadonlyMap<string, string> {
  const pairs = [...text.matchAll(/^([a-z-]+):(.*)$/gm)];
  return new Map(pairs.map((match) => [match[1] as string, percentDecode(match[2] as string)]));
}

/** Paths of the programs by component from `gpgconf --list-components`: lines `NAME:DESCRIPTION:PATH`. It lists programs that are not installed, too. */
export function parseComponents(text: string): ReadonlyMap<string, string> {
  const rows = text.split('\n').map((line) => line.split(':'));
  return new Map(rows.flatMap(([name, , path]) => (name !== undefined && path !== undefined && path !== '' ? [[name, percentDecode(path)] as const] : [])));
}
