import { defineCheck, notApplicable } from '../src/check.ts';
import type { Remedy } from '../src/report/schema.ts';
import { reasonOf, valueOf } from '../src/snapshot/fact.ts';
import type { Fact, FactValue, Host, Probe } from '../src/snapshot/schema.ts';
import { noService } from './causes.ts';
import { asRoot } from './shell.ts';
import { isAtLeast } from './versions.ts';

/** Since then Apple's driver serves readers unless the switch is set (SmartCardServices(7)). */
const FIRST_WITH_OWN_DRIVER = '14';
/** Most of what was wrong with SCardControl in 14.0 was mended in 14.3 (blog.apdu.fr, 2024/02). */
const CONTROL_MENDED = '14.3';

export default defineCheck({
  code: 'CC315',
  needs: ['macosDriver'],
  wants: ['probes', 'host'],
  about: ['macosDriver'],
  after: [...noService, 'macos-ctk-holds-card'],
  check({ macosDriver, probes, host }) {
    const version = macosDriver.version ?? valueOf(host)?.distribution?.version ?? null;
    const { useIfdCcid } = macosDriver;
    if (version === null) return notApplicable('the version of macOS is not known');
    if (!isAtLeast(version, FIRST_WITH_OWN_DRIVER)) return [];
    if (useIfdCcid.status !== 'ok' && useIfdCcid.status !== 'absent') return notApplicable(`which driver serves readers could not be told: ${reasonOf(useIfdCcid)}`);
    if (valueOf(useIfdCcid) === true) return [];
    const mute = (valueOf(probes) ?? []).find(({ outcome }) => outcome === 'unresponsive' || outcome === 'unpowered');
    if (mute === undefined && isAtLeast(version, CONTROL_MENDED)) return [];
    return [
      {
        // Alone it is a risk: readers with a key pad, and programs that send commands to the reader, meet it.
        severity: mute === undefined ? 'warning' : 'error',
        subject: { kind: 'machine', name: 'macOS' },
        data: { macos: version, bundled: bundledVersion(macosDriver), symptom: mute === undefined ? null : symptomOf(mute) },
        certainty: mute === undefined ? 'possible' : 'likely',
        evidence: [
          `This is macOS ${version}, and useIFDCCID ${useIfdCcid.status === 'ok' ? 'is off' : 'was never set'}.`,
          ...(mute === undefined ? [] : [`A ${mute.mode} connect to ${mute.reader} ended with ${symptomOf(mute)}.`]),
        ],
        remedies: [useBundledDriver(bundledVersion(macosDriver), host)],
      },
    ];
  },
});

const bundledVersion = ({ bundled }: FactValue<'macosDriver'>): string | null => bundled.find(({ name }) => name === 'ifd-ccid.bundle')?.version ?? null;

const symptomOf = ({ code, outcome, hex }: Probe): string => `${code ?? outcome}${hex === null ? '' : ` (${hex})`}`;

const useBundledDriver = (version: string | null, host: Fact<Host>): Remedy => ({
  title: 'Let the CCID driver that comes with macOS serve readers instead of Apple\'s own, then connect the reader again',
  kind: 'lasting',
  commands: [asRoot(host, 'defaults write /Library/Preferences/com.apple.security.smartcard useIFDCCID -bool yes')],
  edits: [],
  price: `It is libccid ${version ?? '1.5.1'} and knows no reader that came later. The same with "-bool no" undoes it. If the card stays mute, it is the card, and not the driver.`,
});
