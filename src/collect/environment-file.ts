import { perRun } from '../system/per-run.ts';

/**
 * Files that carry pcscd's environment: upstream's and Debian's (EnvironmentFile= of pcscd.service since 1.9.2),
 * Fedora's and Gentoo's. Distributions use one of them; where several exist, the later entry counts.
 */
const PCSCD_ENVIRONMENT_FILES = ['/etc/default/pcscd', '/etc/sysconfig/pcscd', '/etc/conf.d/pcscd'];
const FILE_LIMIT = 64 * 1024;

/**
 * Assignments NAME=VALUE, one a line, as systemd reads an EnvironmentFile (systemd.exec(5)) and os-release(5) is
 * written: a value may be in quotes, lines of comments and lines that are no assignment are skipped.
 */
export function readAssignments(text: string): Record<string, string> {
  const values: Record<string, string> = {};
  for (const line of text.replace(/\\\r?\n/g, '').split(/\r?\n/)) {
    const match = /^\s*([A-Za-z_]\w{0,127})=(.*)$/.exec(line);
    if (match !== null) values[match[1] as string] = unquote((match[2] as string).trim());
  }
  return values;
}

function unquote(value: string): string {
  const quote = value[0];
  if (quote !== '"' && quote !== "'") return value;
  const inner = value.slice(1, value.length > 1 && value.endsWith(quote) ? -1 : undefined);
  return quote === '"' ? inner.replace(/\\(["\\$`])/g, '$1') : inner;
}

/** What pcscd's environment files set, and which of them exist. */
export const readPcscdEnvironment = perRun(async (system): Promise<{ files: string[]; values: Record<string, string> }> => {
  const texts = await Promise.all(PCSCD_ENVIRONMENT_FILES.map((path) => system.readFile(path, FILE_LIMIT).catch(() => null)));
  return {
    files: PCSCD_ENVIRONMENT_FILES.filter((_, index) => texts[index] !== null),
    values: Object.assign({}, ...texts.map((text) => readAssignments(text ?? ''))),
  };
});
