import { defineCheck } from '../src/check.ts';
import type { Remedy } from '../src/report/schema.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import type { Fact, Host, MacosService } from '../src/snapshot/schema.ts';
import { noService } from './causes.ts';
import { readerSubject } from './readers.ts';
import { asRoot, quote } from './shell.ts';

export default defineCheck({
  code: 'CC112',
  needs: ['macosServices', 'holdings'],
  wants: ['macosDriver', 'scdaemons', 'host'],
  about: ['macosServices'],
  after: [...noService, 'scdaemon-holds-card'],
  check({ macosServices, holdings, macosDriver, scdaemons, host }) {
    const extensions = macosServices.filter(({ role }) => role === 'token-extension');
    if (extensions.length === 0) return [];
    // A scdaemon takes cards in the same way; who of them it is does not show on a Mac.
    const rival = scdaemons.status !== 'ok' || scdaemons.value.length > 0;
    const disabled = valueOf(macosDriver)?.disabledTokens;
    return holdings.flatMap((reader) => {
      const refused = Object.entries(reader.probes).find(([mode, probe]) => mode !== 'exclusive' && probe?.outcome === 'sharing-violation');
      if (refused === undefined) return [];
      const [mode, probe] = refused;
      return [
        {
          severity: rival ? ('warning' as const) : ('error' as const),
          subject: readerSubject(reader.name),
          data: { reader: reader.name, extensions: extensions.map((one) => `${nameOf(one)} (pid ${one.pid})`) },
          certainty: rival ? ('possible' as const) : ('likely' as const),
          evidence: [
            `A ${mode} connect was refused with ${probe?.code ?? 'SCARD_E_SHARING_VIOLATION'} (${probe?.hex ?? '0x8010000B'}).`,
            ...extensions.map((one) => `The token extension ${nameOf(one)} runs (pid ${one.pid}).`),
            rival ? 'A scdaemon runs as well, or may: macOS does not show which of them has the card.' : 'No scdaemon runs.',
          ],
          remedies: [WAIT, ...extensions.flatMap((one) => disable(one, disabled, host))],
        },
      ];
    });
  },
});

/** "pivtoken" of …/pivtoken.appex/Contents/MacOS/pivtoken */
const nameOf = ({ program }: MacosService): string => /\/([^/]+)\.appex\//.exec(program)?.[1] ?? program.slice(program.lastIndexOf('/') + 1);

const WAIT: Remedy = {
  title: 'Wait some seconds, or take the card out and put it in again: the extension lets go when it has read it',
  kind: 'now',
  commands: ['system_profiler SPSmartCardsDataType'],
  edits: [],
  price: 'PINs are asked again.',
};

/** Apple's own extensions by the names of their bundles (Apple Platform Deployment, advanced smart card options). */
const APPLE_BUNDLES: Readonly<Record<string, string>> = { pivtoken: 'com.apple.CryptoTokenKit.pivtoken' };

function disable(extension: MacosService, disabled: Fact<string[]> | undefined, host: Fact<Host>): Remedy[] {
  const token = APPLE_BUNDLES[nameOf(extension)];
  if (token === undefined) {
    return [{ title: `Find the name of ${nameOf(extension)} and switch it off: security smartcards token -d NAME`, kind: 'lasting', commands: ['pluginkit -m -p com.apple.ctk-tokens'], edits: [], price: PRICE }];
  }
  const others = (disabled === undefined ? undefined : valueOf(disabled)) ?? [];
  const tokens = [...new Set([...others, token])].map(quote).join(' ');
  return [{ title: `Switch the token extension ${nameOf(extension)} off`, kind: 'lasting', commands: [asRoot(host, `defaults write /Library/Preferences/com.apple.security.smartcard DisabledTokens -array ${tokens}`)], edits: [], price: PRICE }];
}

const PRICE = 'Cards of its kind no longer serve logins, certificates and signatures of macOS. "sudo defaults delete /Library/Preferences/com.apple.security.smartcard DisabledTokens" switches all of them on again.';
