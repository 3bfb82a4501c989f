import type { Finding, ReaderReport, Report } from '../../src/report/schema.ts';

export const READER = 'Yubico YubiKey OTP+FIDO+CCID 00 00';

const probe = { outcome: 'ok', code: 'SCARD_S_SUCCESS', hex: '0x00000000', ms: 1, backend: 'daemon', reason: null } as const;

export const freeReader: ReaderReport = {
  name: 'Alcor Micro AU9540 01 00', card: { present: false, atr: null }, sharing: { mode: 'free', handles: 0, transaction: false }, device: '1-3', listed: true,
  probes: { direct: probe, shared: { ...probe, outcome: 'no-card', code: 'SCARD_E_NO_SMARTCARD', hex: '0x8010000C' }, exclusive: null }, holders: [], unattributed: 0,
};

export const heldReader: ReaderReport = {
  name: READER, card: { present: true, atr: '3BFD1300008131FE158073C021C057597562694B657940' }, sharing: { mode: 'exclusive', handles: 1, transaction: false }, device: '1-2', listed: true,
  probes: {
    direct: { ...probe, outcome: 'sharing-violation', code: 'SCARD_E_SHARING_VIOLATION', hex: '0x8010000B' },
    shared: { ...probe, outcome: 'sharing-violation', code: 'SCARD_E_SHARING_VIOLATION', hex: '0x8010000B' },
    exclusive: { ...probe, outcome: 'skipped', code: null, hex: null, ms: null, reason: 'derived: sharing-violation, the reader is held exclusively' },
  },
  holders: [{ pid: 2035, uid: 1000, user: 'alice', command: 'scdaemon', access: 'exclusive', certainty: 'proven', since: '2026-11-24T10:22:31.120Z', modules: [], evidence: ['pcscd counts one exclusive handle.', 'It belongs to a connection whose other end is scdaemon\'s.'], unit: 'gpg-agent.service', terminal: null, parents: [{ pid: 2031, command: 'gpg-agent' }, { pid: 1, command: 'systemd' }] }],
  unattributed: 0,
};

export const heldFinding: Finding = {
  code: 'CC101', id: 'scdaemon-holds-card', severity: 'error', layer: 'sharing', title: 'scdaemon holds the card and lets nobody else in',
  message: 'scdaemon (pid 2035) is connected exclusively; every other program gets SCARD_E_SHARING_VIOLATION (0x8010000B). gpg works, so ykman, age and ssh with PKCS#11 fail now.',
  subject: { kind: 'reader', name: READER }, data: { pid: 2035 }, certainty: 'proven',
  evidence: ['pcscd counts one exclusive handle on the reader.', 'Its owner is the connection of scdaemon (pid 2035, alice).'],
  remedies: [
    { title: 'let scdaemon give the card back', kind: 'now', commands: ['gpgconf --kill scdaemon'], edits: [], price: 'the PIN again, and the fight again at the next use of gpg' },
    {
      title: 'let scdaemon share the reader', kind: 'lasting', commands: ['gpgconf --kill scdaemon'], edits: [{ file: '/home/alice/.gnupg/scdaemon.conf', add: ['disable-ccid', 'pcsc-shared'], remove: [] }],
      price: 'another program may switch the applet under gpg',
    },
  ],
  docs: 'cardcheck explain CC101',
};

/** scdaemon holds the key; one more reader is free and one check could not answer. */
export function conflictReport(over: Partial<Report> = {}): Report {
  return {
    schemaVersion: 1, tool: { name: 'cardcheck', version: '0.1.0' }, host: { platform: 'linux', distribution: 'Debian GNU/Linux 12 (bookworm)', kernel: '6.1.0', root: false },
    startedAt: '2026-11-24T10:25:00.000Z', durationMs: 83, status: 'error',
    layers: [
      { id: 'device', status: 'ok', summary: '2 smart-card devices on USB' }, { id: 'permission', status: 'ok', summary: 'pcscd may open both' },
      { id: 'driver', status: 'unknown', summary: 'the version of libccid could not be read' }, { id: 'service', status: 'ok', summary: 'pcscd 1.9.9 runs (pid 812)' },
      { id: 'access', status: 'ok', summary: 'polkit lets alice in' }, { id: 'sharing', status: 'error', summary: `${READER} is held by scdaemon` },
      { id: 'card', status: 'not-examined', summary: 'not examined' }, { id: 'gnupg', status: 'not-examined', summary: 'not examined' },
    ],
    readers: [heldReader, freeReader],
    checks: [{ code: 'CC101', id: 'scdaemon-holds-card', outcome: 'findings' }, { code: 'CC301', id: 'driver-outdated', outcome: 'unknown', reason: 'driverBundles: needs root' }],
    findings: [heldFinding], suppressed: 0, unseen: [{ what: 'the scdaemons of other users', need: 'root' }],
    ...over,
  };
}

/** Nothing held, nothing found. */
export function soundReport(): Report {
  const conflict = conflictReport();
  return {
    ...conflict, status: 'ok', layers: conflict.layers.map(({ id }) => ({ id, status: 'ok', summary: 'sound' })), findings: [], unseen: [],
    readers: [{ ...heldReader, sharing: { mode: 'free', handles: 0, transaction: false }, holders: [], probes: { direct: probe, shared: probe, exclusive: probe } }, freeReader],
    checks: [{ code: 'CC101', id: 'scdaemon-holds-card', outcome: 'pass' }],
  };
}
