/**
 * What two snapshots are compared by. An area turns a snapshot into entries: what each is of, and what is said of
 * it. Numbers that differ between any two runs (pids, times, durations, inodes, handles, places on the bus) are in
 * neither, and what one machine calls by other words than another is called by one.
 */
import { commandOf } from '../derive/process-name.ts';
import { parseReaderName } from '../derive/usb-readers.ts';
import { settingsOf } from '../report/configuration.ts';
import { reachWords } from '../report/layers.ts';
import type { Holder, ReaderReport, Report } from '../report/schema.ts';
import { versionsOf } from '../report/versions.ts';
import { accessWords, cardWords, count, modeWords, openQuestions } from '../report/words.ts';
import { valueOf } from '../snapshot/fact.ts';
import type { FactName, Facts, Process, Snapshot } from '../snapshot/schema.ts';

/** A snapshot and what was found in it. */
export interface Examined {
  snapshot: Snapshot;
  report: Report;
}

export interface Entry {
  /** The same in two snapshots for the same thing. */
  of: string;
  says: string;
}

export interface Area {
  id: string;
  title: string;
  /** Facts without which nothing, not even absence, can be said of it; of several in one list one is enough. */
  needs: readonly (readonly FactName[])[];
  entries(examined: Examined, common: Common): Entry[];
}

/** What depends on the machine and means the same everywhere. */
export interface Common {
  /** A path without whose home it is in. */
  path(path: string): string;
  /** A user by their part in it: "the user", root, or another by name. */
  user(uid: number, name: string | null): string;
  /** A reader's name without its number, which depends on the order of plugging in; readers alike are counted. */
  reader(name: string): string;
}

export function commonWords({ snapshot: { facts }, report }: Examined): Common {
  const host = valueOf(facts.host);
  const own = new Set([host?.calledBy?.uid ?? host?.user.uid, host?.user.uid].filter((uid) => uid !== undefined && uid !== 0));
  const gnupgHome = valueOf(facts.gnupg)?.homeDir ?? null;
  const readers = readerNames(report.readers.map(({ name }) => name));
  return {
    path: (path) => (gnupgHome !== null && path.startsWith(`${gnupgHome}/`) ? `GNUPGHOME${path.slice(gnupgHome.length)}` : path.replace(/^(?:\/home|\/Users)\/[^/]+(?=\/|$)|^\/root(?=\/|$)/, '~')),
    user: (uid, name) => (own.has(uid) ? 'the user' : (name ?? `uid ${uid}`)),
    reader: (name) => readers.get(name) ?? name,
  };
}

function readerNames(names: readonly string[]): Map<string, string> {
  const seen = new Map<string, number>();
  return new Map([...names].sort().map((name) => {
    const { index } = parseReaderName(name);
    // "00 00": the number of the reader, then that of its slot, which stays.
    const plain = index === null ? name : `${name.slice(0, -6)}${name.endsWith(' 00') ? '' : `, slot ${name.slice(-2)}`}`;
    const n = (seen.get(plain) ?? 0) + 1;
    seen.set(plain, n);
    return [name, n === 1 ? plain : `${plain} (number ${n})`];
  }));
}

/** Entries that are alike are told apart by number, in their order. */
function numbered(entries: readonly Entry[]): Entry[] {
  const seen = new Map<string, number>();
  return entries.map(({ of, says }) => {
    const n = (seen.get(of) ?? 0) + 1;
    seen.set(of, n);
    return { of: n === 1 ? of : `${of} (number ${n})`, says };
  });
}

/** Programs of one name and user are one entry with a count. */
function programs(processes: readonly { process: Process; modules?: readonly string[] }[], { user }: Common): Entry[] {
  return counted(processes.map(({ process, modules }) => `${commandOf(process, modules)}, of ${user(process.uid, process.user)}`)).map(([of, n]) => ({ of, says: `${n} running` }));
}

function counted(names: readonly string[]): [string, number][] {
  const sums = new Map<string, number>();
  for (const name of names) sums.set(name, (sums.get(name) ?? 0) + 1);
  return [...sums];
}

function holderEntries({ report: { readers } }: Examined, { reader, user }: Common): Entry[] {
  const nameOf = ({ command, uid, user: name, access }: Holder) => `${command}, of ${user(uid, name)}, ${accessWords[access]}`;
  return readers.flatMap(({ name, holders, unattributed }) => [
    ...numbered(holders.map((holder) => ({ of: `${reader(name)}: ${nameOf(holder)}`, says: holder.certainty }))),
    ...(unattributed === 0 ? [] : [{ of: `${reader(name)}: somebody who could not be seen`, says: count(unattributed, 'connection') }]),
  ]);
}

/** What was derived of a connect that was not tried is its outcome; the handles it was derived from are counted elsewhere. */
function probeWords({ outcome, code, hex, reason }: NonNullable<ReaderReport['probes']['shared']>): string {
  if (code !== null) return `${outcome}, ${code} (${hex})`;
  return reason === null ? outcome : `${outcome}: ${reason.split(',', 1)[0]}`;
}

/** Subjects that are named after the machine or its user are the same on another. */
function subjectOf({ subject: { kind, name } }: Report['findings'][number], { path, reader }: Common): string {
  if (kind === 'user' || kind === 'machine' || kind === 'cardcheck') return '';
  return `: ${kind === 'file' ? path(name) : kind === 'reader' ? reader(name) : name}`;
}

export const areas: readonly Area[] = [
  {
    id: 'findings',
    title: 'Findings',
    needs: [],
    entries: ({ report }, common) => report.findings.map((finding) => ({ of: `${finding.code} ${finding.title}${subjectOf(finding, common)}`, says: `${finding.severity}, ${finding.certainty}` })),
  },
  {
    id: 'readers',
    title: 'Readers',
    needs: [['readers', 'libraryReaders']],
    entries: ({ report }, { reader }) => report.readers.map((one) => ({ of: reader(one.name), says: `${cardWords(one)}, ${modeWords(one)}` })),
  },
  {
    id: 'cards',
    title: 'Cards',
    needs: [['readers', 'libraryReaders']],
    entries: ({ report }, { reader }) => report.readers.flatMap(({ name, card }) => (card.atr === null ? [] : [{ of: `ATR in ${reader(name)}`, says: card.atr }])),
  },
  {
    id: 'connects',
    title: 'What a connect gets',
    needs: [['probes']],
    entries: ({ report }, { reader }) =>
      report.readers.flatMap(({ name, probes }) =>
        Object.entries(probes).flatMap(([mode, probe]) => (probe === null ? [] : [{ of: `${mode} to ${reader(name)}`, says: probeWords(probe) }])),
      ),
  },
  { id: 'holders', title: 'Holders', needs: [['readers', 'libraryReaders'], ['handles', 'clients']], entries: holderEntries },
  {
    id: 'clients',
    title: 'Clients of pcscd',
    needs: [['clients']],
    entries: ({ snapshot: { facts } }, common) => {
      const { clients = [], unattributed = 0 } = valueOf(facts.clients) ?? {};
      const seen = clients.flatMap(({ process, modules }) => (process === null ? [] : [{ process, modules }]));
      return [...programs(seen, common), ...(unattributed === 0 ? [] : [{ of: 'programs that could not be seen', says: count(unattributed, 'connection') }])];
    },
  },
  { id: 'pcscd', title: 'Running pcscd', needs: [['pcscdProcesses']], entries: ({ snapshot: { facts } }, common) => programs(valueOf(facts.pcscdProcesses) ?? [], common) },
  {
    id: 'scdaemon',
    title: 'Running scdaemon',
    needs: [['scdaemons']],
    entries: ({ snapshot: { facts } }, common) => programs(valueOf(facts.scdaemons) ?? [], common),
  },
  {
    id: 'devices',
    title: 'USB devices',
    needs: [['usbDevices']],
    entries: ({ snapshot: { facts } }) =>
      numbered((valueOf(facts.usbDevices) ?? []).map(({ id, product, manufacturer, authorized, access, interfaces, ccidInterfaces }) => ({
        of: `${product ?? manufacturer ?? 'USB device'} (${id})`,
        says: [
          ...(authorized ? [] : ['not authorised']),
          ...(access.status !== 'ok' ? [] : [access.value.readWrite ? 'open to this user' : 'closed to this user']),
          ...interfaces.flatMap(({ number, driver }) => (ccidInterfaces.includes(number) ? [`smart-card interface ${driver === null ? 'without a kernel driver' : `bound to ${driver}`}`] : [])),
        ].join(', '),
      }))),
  },
  {
    id: 'access',
    title: 'Access',
    needs: [['host']],
    entries: ({ snapshot: { facts } }) => accessEntries(facts),
  },
  {
    id: 'versions',
    title: 'Versions',
    needs: [],
    entries: ({ snapshot: { facts, tool } }, { path }) => [...versionsOf(facts).map(({ part, words }) => ({ of: path(part), says: words })), { of: 'cardcheck', says: tool.version }],
  },
  {
    id: 'configuration',
    title: 'Configuration in force',
    needs: [['scdaemonConfig'], ['pcscdConfig']],
    entries: ({ snapshot: { facts } }, { path }) => {
      const reach = valueOf(facts.scdaemonConfig);
      return [
        ...numbered(settingsOf(facts).map(({ file, option, value }) => ({ of: `${path(file)}: ${option}`, says: value === null ? '' : path(value) }))),
        ...(reach === undefined ? [] : [{ of: 'scdaemon goes', says: reachWords(reach) }]),
      ];
    },
  },
  {
    id: 'unseen',
    title: 'What stayed unseen',
    needs: [],
    entries: ({ report }) => openQuestions(report).map(({ what, why }) => ({ of: why, says: what })),
  },
];

function accessEntries({ host, polkit, pcscdSocket, pcscdUnits }: Facts): Entry[] {
  const asked = valueOf(host);
  const rules = valueOf(polkit);
  const socket = valueOf(pcscdSocket);
  return [
    ...(asked === undefined ? [] : [
      { of: 'cardcheck ran as', says: asked.root ? (asked.calledBy === null ? 'root' : 'root, through sudo') : 'an ordinary user' },
      { of: 'session', says: `${asked.session.place}${asked.session.active === false ? ', not active' : ''}` },
    ]),
    ...(rules === undefined ? [] : [
      { of: 'polkit on access_pcsc', says: rules.enforced === false ? 'not asked' : rules.accessPcsc },
      { of: 'polkit on access_card', says: rules.enforced === false ? 'not asked' : rules.accessCard },
    ]),
    ...(socket === undefined ? [] : [{ of: "pcscd's socket", says: [socket.kind, ...(socket.writable === false ? ['closed to this user'] : []), ...(socket.listening === false ? ['nobody listens'] : [])].join(', ') }]),
    ...(valueOf(pcscdUnits) ?? []).map(({ name, load, active, fileState }) => ({ of: name, says: [load, active, fileState].filter(Boolean).join(', ') })),
  ];
}
