import type { Finding, Report } from './schema.ts';

/** The report in one line, the same in every rendering: the worst finding first, then how many more there are. */
export function verdict(report: Report): string {
  return sentences[report.status](report);
}

const sentences: Record<Report['status'], (report: Report) => string> = {
  ok: ({ readers }) => (readers.length === 0 ? 'Nothing wrong was found.' : `Nothing wrong was found: ${freedom(readers)}.`),
  warning: (report) => worst(report, 'warning'),
  error: (report) => worst(report, 'error'),
  unknown: ({ checks }) => {
    const open = checks.filter(({ outcome }) => outcome === 'unknown' || outcome === 'crashed').length;
    return `Nothing wrong was seen, but ${open} ${open === 1 ? 'question' : 'questions'} could not be answered.`;
  },
};

function worst({ findings }: Report, severity: Finding['severity']): string {
  const [first, ...more] = findings.filter((finding) => finding.severity === severity);
  if (first === undefined) return 'Nothing wrong was found.';
  const others = more.length === 0 ? '' : ` (and ${more.length} more ${severity}${more.length === 1 ? '' : 's'})`;
  return `${first.title}: ${first.subject.name} [${first.code}]${others}.`;
}

function freedom(readers: Report['readers']): string {
  const count = (mode: Report['readers'][number]['sharing']['mode']) => readers.filter(({ sharing }) => sharing.mode === mode).length;
  const parts = (['free', 'shared'] as const).flatMap((mode) => (count(mode) === 0 ? [] : [`${count(mode)} ${count(mode) === 1 ? 'reader' : 'readers'} ${mode}`]));
  return parts.length === 0 ? `${readers.length} ${readers.length === 1 ? 'reader' : 'readers'} seen` : parts.join(', ');
}
