import { defineCheck, notApplicable } from '../src/check.ts';
import type { Gnupg, ScdaemonConfig } from '../src/snapshot/schema.ts';
import { mendLines, ownConfigFile, setAside } from './remedies.ts';
import { knowsPcscShared } from './scdaemon.ts';

export default defineCheck({
  code: 'CC202',
  needs: ['gnupg', 'scdaemonConfig'],
  wants: ['host'],
  about: ['gnupg', 'scdaemonConfig'],
  after: ['scdaemon-not-installed'],
  check({ gnupg, scdaemonConfig, host }) {
    if (gnupg.scdaemon === null) return notApplicable('scdaemon is not installed');
    const { fatal, obstacles } = scdaemonConfig;
    const noFiles = obstacles.map(({ file, says }): Message => ({ file, line: null, text: null, message: says }));
    return [...byFile([...noFiles, ...rejectedLines(scdaemonConfig)])].map(([file, lines]) => ({
      severity: fatal ? 'error' : 'warning',
      subject: { kind: 'file', name: file },
      data: { file, lines: lines.map(({ line, message }) => ({ line, says: message })), fatal, endless: obstacles.some((obstacle) => obstacle.file === file && obstacle.endless) },
      certainty: 'proven',
      evidence: lines.map(({ line, text, message }) => `${file}${line === null ? '' : `:${line}`}${text === null ? '' : ` ("${text}")`}: ${message}.`),
      remedies: [
        // What has no line cannot be mended by line: the file itself, or lines that were only counted.
        lines.some(({ line }) => line === null)
          ? setAside(file, file !== ownConfigFile(gnupg), host)
          : mendLines(
              file,
              lines.flatMap(({ line, text }) => (line === null ? [] : [{ line, text, mended: meant(text, gnupg) }])),
              file !== ownConfigFile(gnupg),
              host,
            ),
      ],
    }));
  },
});

type Message = NonNullable<ScdaemonConfig['verdict']>['messages'][number];

/** Our own reading first, because scdaemon may number a last line wrongly; its own words where we saw nothing amiss. */
function rejectedLines({ verdict, problems }: ScdaemonConfig): Message[] {
  const rejected = problems.filter(({ effect }) => effect === 'rejected');
  return rejected.length > 0 ? rejected : (verdict?.messages ?? []);
}

/** The option that was meant by `--disable-ccid`, `disable-ccid # why`, `pcsc_shared yes`; null where that is not plain. */
function meant(text: string | null, { scdaemon }: Gnupg): string | null {
  const word = /^\s*-*(disable[-_]ccid|pcsc[-_]shared)(?![-\w])/i.exec(text ?? '')?.[1]?.toLowerCase().replace('_', '-');
  if (word === undefined) return null;
  return word === 'pcsc-shared' && (scdaemon === null || !knowsPcscShared(scdaemon)) ? null : word;
}

function byFile(messages: readonly Message[]): Map<string, Message[]> {
  const files = new Map<string, Message[]>();
  for (const message of messages) files.set(message.file, [...(files.get(message.file) ?? []), message]);
  return files;
}
