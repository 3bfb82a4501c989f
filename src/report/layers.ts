/** The ladder from the device up to gpg: one rung, one sentence. */
import { type Code, codes } from '../../checks/codes.ts';
import type { JudgedFacts } from '../check.ts';
import { reasonOf, valueOf } from '../snapshot/fact.ts';
import type { Fact, ScdaemonConfig } from '../snapshot/schema.ts';
import type { CheckOutcome, Finding, LayerId, LayerReport } from './schema.ts';
import { layerIds } from './vocabulary.ts';
import { count } from './words.ts';

/** What the facts say of a layer on which no check found anything. */
interface Rung {
  status: 'ok' | 'unknown' | 'not-examined';
  summary: string;
}

/** Above the first broken layer nothing is said that no check found: it was looked at through a broken one. */
export function layerLadder(facts: JudgedFacts, findings: readonly Finding[], outcomes: readonly CheckOutcome[]): LayerReport[] {
  const broken = layerIds.find((id) => findings.some(({ layer, severity }) => layer === id && severity === 'error'));
  return layerIds.map((id) => {
    const own = findings.filter(({ layer, severity }) => layer === id && severity !== 'info');
    if (own.length > 0) return { id, ...found(own) };
    if (broken !== undefined && layerIds.indexOf(id) > layerIds.indexOf(broken)) return { id, status: 'not-examined', summary: `rests on ${broken}` };
    const rung = rungs[id](facts);
    return { id, ...rung, status: rung.status === 'ok' && isOpen(id, outcomes) ? 'unknown' : rung.status };
  });
}

function found(findings: readonly Finding[]): Pick<LayerReport, 'status' | 'summary'> {
  const [first, ...more] = findings;
  if (first === undefined) throw new Error('a rung without a finding');
  return { status: first.severity === 'error' ? 'error' : 'warning', summary: `${first.title}: ${first.subject.name}${more.length === 0 ? '' : `, and ${more.length} more`}` };
}

/** A check of this layer could not answer. */
const isOpen = (id: LayerId, outcomes: readonly CheckOutcome[]): boolean =>
  outcomes.some(({ code, outcome }) => (outcome === 'unknown' || outcome === 'crashed') && codes[code as Code].layer === id);

const ok = (summary: string): Rung => ({ status: 'ok', summary });
const nothing = (summary: string): Rung => ({ status: 'not-examined', summary });

/** Says it of the fact's value, or why there is none. */
function tell<T>(fact: Fact<T>, words: (value: T) => Rung): Rung {
  if (fact.status === 'ok') return words(fact.value);
  return { status: fact.status === 'absent' || fact.status === 'skipped' ? 'not-examined' : 'unknown', summary: reasonOf(fact) };
}

const rungs: Record<LayerId, (facts: JudgedFacts) => Rung> = {
  device: ({ usbDevices, holdings }) =>
    tell(usbDevices, (devices) => {
      if (devices.length > 0) return ok(devices.map(({ product, manufacturer, id }) => product ?? manufacturer ?? id).join(', '));
      const others = valueOf(holdings)?.length ?? 0;
      return others > 0 ? ok(`${count(others, 'reader')}, none on USB`) : nothing('no smart-card device on USB');
    }),

  permission: ({ usbDevices }) =>
    tell(usbDevices, (devices) => {
      if (devices.length === 0) return nothing('no USB device to open');
      const open = devices.filter(({ access }) => valueOf(access)?.readWrite).length;
      return ok(`${open === devices.length ? 'open' : open === 0 ? 'closed' : `${open} of ${devices.length} open`} to this user; pcscd opens readers for its clients`);
    }),

  driver: ({ driverBundles, usbDevices }) =>
    tell(driverBundles, ({ bundles }) => {
      const ccid = bundles.find(({ driver }) => driver === 'CCIDCLASSDRIVER');
      const installed = ccid === undefined ? count(bundles.length, 'driver') : `libccid ${ccid.version ?? ''}`.trim();
      const devices = valueOf(usbDevices) ?? [];
      return ok(devices.length === 0 ? installed : `${installed}, knows ${count(devices.filter(({ id }) => bundles.some((bundle) => bundle.devices.includes(id))).length, 'connected device')}`);
    }),

  service: ({ daemon, pcscdBuild }) =>
    tell(daemon, ({ protocol, woken }) => ok(`pcscd ${valueOf(pcscdBuild)?.version ?? ''} answers, protocol ${protocol.major}:${protocol.minor}${woken ? ', woken by cardcheck' : ''}`.replace('  ', ' '))),

  access: ({ daemon, polkit, host }) =>
    tell(daemon, () => ok(`pcscd lets ${valueOf(host)?.user.name ?? 'this user'} in${valueOf(polkit)?.enforced === false ? ' without asking polkit' : ''}`)),

  sharing: ({ holdings }) =>
    tell(holdings, (readers) => {
      if (readers.length === 0) return nothing('no reader to share');
      return ok(readers.map(({ name, sharing: { mode, handles } }) => `${name}: ${mode === 'shared' && handles !== null ? count(handles, 'shared handle') : mode}`).join('; '));
    }),

  card: ({ holdings }) =>
    tell(holdings, (readers) => {
      if (readers.length === 0) return nothing('no reader to look into');
      const full = readers.filter(({ card }) => card.present === true);
      if (full.length > 0) return ok(`card in ${full.map(({ name }) => name).join(', ')}`);
      const empty = readers.filter(({ card }) => card.present === false);
      if (empty.length === readers.length) return nothing('no card inserted');
      return nothing(empty.length === 0 ? 'whether a card is inserted was not seen' : `no card in ${empty.map(({ name }) => name).join(', ')}`);
    }),

  gnupg: ({ gnupg, scdaemonConfig }) =>
    tell(gnupg, ({ gpg, scdaemon }) => {
      if (scdaemon === null) return nothing(gpg === null ? 'GnuPG is not installed' : `GnuPG ${gpg.version}, without scdaemon`);
      const config = valueOf(scdaemonConfig);
      return ok(`scdaemon ${scdaemon.version}${config === undefined ? '' : `, ${reachWords(config)}`}`);
    }),
};

const backendWords: Record<ScdaemonConfig['backend'], string> = {
  'usb-only': 'over USB, below PC/SC',
  'usb-then-pcsc': 'over USB first, then PC/SC',
  pcsc: 'through PC/SC',
  unknown: 'by a way that could not be told',
};

/** How scdaemon gets at a card: "over USB first, then PC/SC, EXCLUSIVE". */
export const reachWords = ({ backend, shareMode }: Pick<ScdaemonConfig, 'backend' | 'shareMode'>): string => `${backendWords[backend]}${backend === 'usb-only' ? '' : `, ${shareMode === 'shared' ? 'shared' : 'EXCLUSIVE'}`}`;
