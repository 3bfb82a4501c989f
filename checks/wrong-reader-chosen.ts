import { defineCheck, notApplicable } from '../src/check.ts';
import { noScdaemon, noService } from './causes.ts';
import { mendLines, ownConfigFile, chooseReader } from './remedies.ts';
import { isAtLeast } from './versions.ts';

export default defineCheck({
  code: 'CC205',
  needs: ['gnupg', 'scdaemonConfig', 'holdings'],
  wants: ['host'],
  about: ['gnupg', 'scdaemonConfig'],
  after: [...noService, ...noScdaemon, 'ccid-vs-pcscd'],
  check({ gnupg, scdaemonConfig, holdings, host }) {
    const { scdaemon } = gnupg;
    if (scdaemon === null) return notApplicable('scdaemon is not installed');
    const { backend, readerPort, lines } = scdaemonConfig;
    const listed = holdings.filter((reader) => reader.listed);

    if (readerPort !== null) {
      if (!matchesNothing(readerPort, backend, scdaemon.version, listed.map(({ name }) => name))) return [];
      const at = lines.find(({ option }) => option === 'reader-port');
      return [
        {
          severity: 'error',
          subject: { kind: 'file', name: at?.file ?? ownConfigFile(gnupg) },
          data: { says: `reader-port "${readerPort}" matches no reader` },
          certainty: 'proven',
          evidence: [
            backend === 'usb-only'
              ? `The internal CCID driver of scdaemon ${scdaemon.version} knows readers as VID:PID:SERIAL:N, not by name.`
              : `pcscd lists ${listed.map(({ name }) => `"${name}"`).join(', ') || 'no reader'}.`,
          ],
          remedies: at === undefined ? [] : [mendLines(at.file, [{ line: at.line, text: `reader-port ${readerPort}`, mended: null }], at.file !== ownConfigFile(gnupg), host)],
        },
      ];
    }

    // GnuPG 2.2 opens the first reader of pcscd's list only; 2.3 and later tries each.
    if (isAtLeast(scdaemon.version, '2.3.0') || backend === 'usb-only') return [];
    const [first, ...others] = listed;
    const withCard = others.find(({ card }) => card.present === true);
    if (first === undefined || first.card.present !== false || withCard === undefined) return [];
    return [
      {
        // With the internal driver compiled in and on, the reader with the card may still be found over USB.
        severity: backend === 'pcsc' ? 'error' : 'warning',
        subject: { kind: 'reader', name: first.name },
        data: { says: `scdaemon ${scdaemon.version} uses the first reader, ${first.name}, which is empty; the card is in ${withCard.name}` },
        certainty: 'likely',
        evidence: [`pcscd lists ${first.name} first and without a card, ${withCard.name} with one.`, 'No reader-port is set.'],
        remedies: [chooseReader(gnupg, withCard.name)],
      },
    ];
  },
});

/** Meanings of reader-port: GnuPG 2.2.40 scd/apdu.c, open_pcsc_reader; 2.4.8 scd/apdu.c, apdu_dev_list_start and scd/ccid-driver.c. */
function matchesNothing(readerPort: string, backend: string, version: string, readers: readonly string[]): boolean {
  if (/^\d+$/.test(readerPort)) return false;
  if (backend === 'usb-only') return !/^[0-9a-f]{4}:[0-9a-f]{4}/i.test(readerPort);
  // 2.2 takes the first reader where none has the name (seen with 2.2.40).
  const byName = backend === 'pcsc' && isAtLeast(version, '2.3.0') && readerPort.includes(':');
  return byName && readers.length > 0 && !readers.some((name) => name.startsWith(readerPort));
}
