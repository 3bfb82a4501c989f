/** What `--reader` leaves of a report. The checks judge the whole machine all the same: a reader is in the way of another only where both are seen. */
import { matchesGlob } from './glob.ts';
import type { Finding, ReaderReport } from './report/schema.ts';

/** The readers that were asked for, and what is said about them. */
export interface ReaderChoice {
  readers: ReaderReport[];
  /** False for a finding about another reader, or its device, that does not speak of one that was asked for. */
  concerns(finding: Pick<Finding, 'subject' | 'data'>): boolean;
}

/** @param glob over the names of readers; null: all are asked for */
export function chooseReaders(all: readonly ReaderReport[], glob: string | null): ReaderChoice {
  const isChosen = ({ name }: Pick<ReaderReport, 'name'>) => glob === null || matchesGlob(glob, name);
  const readers = all.filter(isChosen);
  const chosenDevices = new Set(readers.map(({ device }) => device));
  const otherDevices = new Set(all.filter((reader) => !isChosen(reader) && !chosenDevices.has(reader.device)).map(({ device }) => device));
  const isAboutAnother = ({ kind, name }: Finding['subject']) => (kind === 'reader' ? !isChosen({ name }) : kind === 'device' && otherDevices.has(name));
  return {
    readers,
    concerns: ({ subject, data }) => {
      if (!isAboutAnother(subject)) return true;
      const words = JSON.stringify(data);
      return readers.some(({ name }) => words.includes(JSON.stringify(name).slice(1, -1)));
    },
  };
}
