import { defineCheck } from '../src/check.ts';
import type { Remedy } from '../src/report/schema.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import type { Fact, Facts, Host, MacosService } from '../src/snapshot/schema.ts';
import { asRoot, quote } from './shell.ts';

export default defineCheck({
  code: 'CC316',
  needs: ['macosServices'],
  wants: ['macosReaders', 'libraryContext', 'libraryReaders', 'host'],
  about: ['macosServices'],
  check({ macosServices, macosReaders, libraryContext, libraryReaders, host }) {
    const says = symptomOf({ macosReaders, libraryContext, libraryReaders });
    if (says === null) return [];
    const stuck = macosServices.filter(({ role }) => role === 'reader-service' || role === 'pcsc-service');
    return [
      {
        subject: { kind: 'service', name: 'com.apple.ifdreader' },
        data: { says },
        certainty: 'likely',
        evidence: [`${says}.`, ...stuck.map((one) => `${programOf(one)} runs (pid ${one.pid}${one.startedAt === null ? '' : `, since ${one.startedAt}`}).`)],
        remedies: [REPLUG, ...(stuck.length === 0 ? [] : [endServices(stuck, host)])],
      },
    ];
  },
});

/** Readers that the system reports and PC/SC does not, or a PC/SC that does not answer at all. */
function symptomOf({ macosReaders, libraryContext, libraryReaders }: Pick<Facts, 'macosReaders' | 'libraryContext' | 'libraryReaders'>): string | null {
  if (libraryContext.status === 'timeout') return `SCardEstablishContext gave no answer within ${libraryContext.afterMs} ms`;
  const listed = valueOf(libraryReaders)?.map(({ name }) => name);
  const known = valueOf(macosReaders)?.readers.map(({ name }) => name);
  if (listed === undefined || known === undefined || listed.length >= known.length) return null;
  return `macOS reports ${known.join(', ')}, and PC/SC lists ${listed.length === 0 ? 'no reader' : listed.join(', ')}`;
}

const programOf = ({ program }: MacosService): string => program.slice(program.lastIndexOf('/') + 1);

const REPLUG: Remedy = { title: 'Disconnect the reader and connect it again', kind: 'now', commands: [], edits: [], price: 'PINs are asked again.' };

const endServices = (services: readonly MacosService[], host: Fact<Host>): Remedy => ({
  title: 'End the services behind PC/SC; macOS starts them again when they are needed',
  kind: 'now',
  commands: [asRoot(host, `killall ${[...new Set(services.map(programOf))].map(quote).join(' ')}`)],
  edits: [],
  price: 'Every program loses its connection to the card and PINs are asked again. If they hang as before, restart the Mac.',
});
