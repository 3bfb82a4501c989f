/** On machines constructed from documented output: this has never run on a Mac. */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { clients } from '../../src/collect/clients.ts';
import drivers from '../../src/collect/drivers.ts';
import { gnupg } from '../../src/collect/gnupg.ts';
import { collect } from '../../src/collect/index.ts';
import libraries from '../../src/collect/libraries.ts';
import { macos } from '../../src/collect/macos.ts';
import { macosGnupg } from '../../src/collect/macos-gnupg.ts';
import { macosReaders, parseProfiler } from '../../src/collect/macos-readers.ts';
import { fixtureSystem } from '../../src/system/fixture.ts';
import { readProcess } from '../../src/system/process.ts';
import { parsePs } from '../../src/system/process-darwin.ts';
import { realSystem } from '../../src/system/real.ts';
import { machine, passive, valueIn } from '../support/root.ts';

type Mac = 'macos-sonoma' | 'macos-sequoia-ifd-ccid' | 'macos-disk';
const mac = (name: Mac) => fixtureSystem(fileURLToPath(new URL(`../../fixtures/roots/${name}`, import.meta.url)));
const active = { ...passive, passive: false };
const driver = async (name: Mac) => valueIn((await macos.collect(await mac(name), passive)).macosDriver);
const services = async (name: Mac) => valueIn((await macos.collect(await mac(name), passive)).macosServices);

test('a switch that was never set is absent, with its reason: Apple\'s own driver is in use', async () => {
  const { version, build, useIfdCcid, disabledTokens, bundled, added } = await driver('macos-sonoma');
  expect([version, build]).toEqual(['14.1.2', '23B92']);
  expect(useIfdCcid).toEqual({ status: 'absent', reason: 'useIFDCCID was never set' });
  expect(disabledTokens).toEqual({ status: 'absent', reason: 'DisabledTokens was never set' });
  expect(bundled).toMatchObject([{ name: 'ifd-ccid.bundle', version: '1.5.1', executable: { exists: true }, devices: ['1050:0407', '058f:9540'], error: null }]);
  expect(added).toEqual([]);
});

test('a switch that is on, a token that is off, and a driver somebody added', async () => {
  const { useIfdCcid, disabledTokens, added } = await driver('macos-sequoia-ifd-ccid');
  expect([valueIn(useIfdCcid), valueIn(disabledTokens)]).toEqual([true, ['com.apple.CryptoTokenKit.pivtoken']]);
  expect(added).toMatchObject([{ name: 'ifd-vpcd.bundle', version: '0.9' }]);
});

test('a binary property list is not taken for one without the key', async () => {
  const { useIfdCcid, disabledTokens, bundled } = await driver('macos-disk');
  expect(useIfdCcid).toMatchObject({ status: 'failed', error: expect.stringContaining('binary property list') });
  expect(disabledTokens).toMatchObject({ status: 'failed', error: expect.stringContaining('binary property list') });
  expect(bundled).toMatchObject([{ version: null, error: expect.stringContaining('binary property list') }]);
});

test.each([
  ['<true/>', true],
  ['<false/>', false],
])('where nothing can be run, an XML list says %s', async (value, expected) => {
  const system = await machine({ '/Library/Preferences/com.apple.security.smartcard.plist': `<plist><dict><key>useIFDCCID</key>\n\t${value}</dict></plist>` }, { platform: 'darwin' });
  expect(valueIn(valueIn((await macos.collect(system, passive)).macosDriver).useIfdCcid)).toBe(expected);
});

test('an answer of defaults that means neither yes nor no, and one that failed otherwise, are no answer', async () => {
  const key = 'defaults read /Library/Preferences/com.apple.security.smartcard useIFDCCID';
  const odd = await machine({}, { platform: 'darwin', commands: { [key]: { stdout: '{\n}\n' } } });
  expect(valueIn((await macos.collect(odd, passive)).macosDriver).useIfdCcid.status).toBe('failed');
  const refused = await machine({}, { platform: 'darwin', commands: { [key]: { exitCode: 1, stderr: 'Could not parse: x\n' } } });
  expect(valueIn((await macos.collect(refused, passive)).macosDriver).useIfdCcid).toMatchObject({ status: 'failed', error: expect.stringContaining('Could not parse') });
});

test('the services behind PC/SC and the extension for PIV cards are told apart', async () => {
  expect((await services('macos-sonoma')).map(({ pid, role }) => [pid, role])).toEqual([
    [245, 'token-service'],
    [402, 'token-service'],
    [857, 'reader-service'],
    [858, 'reader-service'],
    [1021, 'pcsc-service'],
    [1033, 'token-extension'],
  ]);
  expect((await services('macos-sequoia-ifd-ccid')).filter(({ role }) => role === 'token-extension')).toEqual([]);
});

test('ps: a path with blanks, a day of one digit, a header and nonsense', () => {
  const rows = parsePs('  PID  PPID   UID STARTED                      COMM\n 1500     1   501 Sun Nov  1 09:30:00 2026     /Applications/Yubico Authenticator.app/Contents/MacOS/Yubico Authenticator\nnonsense\n');
  expect(rows).toEqual([{ pid: 1500, ppid: 1, uid: 501, startedAt: '2026-11-01T09:30:00.000Z', program: '/Applications/Yubico Authenticator.app/Contents/MacOS/Yubico Authenticator' }]);
});

test('a process of a Mac comes from ps, with its user and parents', async () => {
  expect(await readProcess(await mac('macos-sequoia-ifd-ccid'), 1700)).toMatchObject({
    pid: 1700, ppid: 1699, uid: 501, user: 'alice', comm: 'scdaemon', exe: '/usr/local/MacGPG2/libexec/scdaemon', startedAt: '2026-11-24T09:40:00.000Z', parents: [{ pid: 1699, comm: 'gpg-agent' }, { pid: 1, comm: 'launchd' }],
  });
});

test('system_profiler: readers with their cards, drivers that were loaded and not, tokens', async () => {
  const read = async (name: Mac) => valueIn((await macosReaders.collect(await mac(name), active)).macosReaders);
  expect(await read('macos-sonoma')).toMatchObject({
    readers: [{ name: 'Yubico YubiKey OTP+FIDO+CCID', atr: '3BFD1300008131FE158073C021C0575975626965794B657940' }],
    tokens: ['com.apple.pivtoken:00000000000000000000000000000000'],
  });
  expect(await read('macos-sequoia-ifd-ccid')).toEqual({
    readers: [{ name: '/dev/null:0x8C7B(1)', atr: null }],
    drivers: [
      { id: 'fr.apdu.ccid.smartcardccid', version: '1.5.1', path: '/usr/libexec/SmartCardServices/drivers/ifd-ccid.bundle' },
      { id: null, version: null, path: '/usr/local/libexec/SmartCardServices/drivers/ifd-vpcd.bundle' },
    ],
    tokens: [],
  });
});

test('a report as published: macOS 10.14 with OpenSC', () => {
  const report = `SmartCards:

    Readers:

      #01: Nitrokey Nitrokey Pro (ATR:<3bda18ff 81b1fe75 1f030031 f573c001 60009000 1c>)

    Reader Drivers:

      #01: org.debian.alioth.pcsclite.smartcardccid:1.4.27 (/usr/libexec/SmartCardServices/drivers/ifd-ccid.bundle)
      #02: (null):(null) (/usr/local/libexec/SmartCardServices/drivers/libifd-cyberjack.bundle)

    Tokend Drivers:

      #01: com.apple.tokend.opensc:1.0 (/Library/Security/tokend/OpenSC.tokend)
`;
  expect(parseProfiler(report)).toMatchObject({ readers: [{ name: 'Nitrokey Nitrokey Pro', atr: '3BDA18FF81B1FE751F030031F573C001600090001C' }], drivers: [{ version: '1.4.27' }, { version: null }] });
  expect(parseProfiler('')).toBeNull();
});

test('a passive look leaves system_profiler alone, which makes extensions open their cards', async () => {
  expect((await macosReaders.collect(await mac('macos-sonoma'), passive)).macosReaders).toMatchObject({ status: 'skipped' });
});

test('Homebrew\'s GnuPG with its global disable-ccid, and GPG Suite without', async () => {
  const read = async (name: Mac) => valueIn((await macosGnupg.collect(await mac(name), passive)).macosGnupg);
  expect(await read('macos-sonoma')).toEqual([{ kind: 'homebrew', prefix: '/opt/homebrew', gpg: '/opt/homebrew/bin/gpg', globalConfig: { path: '/opt/homebrew/etc/gnupg/scdaemon.conf', disableCcid: true } }]);
  expect(await read('macos-sequoia-ifd-ccid')).toEqual([{ kind: 'gpg-suite', prefix: '/usr/local/MacGPG2', gpg: '/usr/local/MacGPG2/bin/gpg', globalConfig: null }]);
});

test.each(['macos-sonoma', 'macos-sequoia-ifd-ccid', 'macos-disk'] as const)('every fact about pcscd is absent on %s, and none says that something is not there which was not looked for', async (name) => {
  const { facts } = await collect(await mac(name), active, { addon: null });
  for (const fact of ['usbDevices', 'usbHolders', 'securityKeys', 'libraries', 'pcscdProcesses', 'pcscdBuild', 'pcscdSocket', 'pcscdConfig', 'polkit', 'clients', 'cardPrograms'] as const) {
    expect([fact, facts[fact].status]).toEqual([fact, 'absent']);
  }
  expect(facts.host).toMatchObject({ status: 'ok', value: { platform: 'darwin', distribution: { id: 'macos' } } });
});

test('a scdaemon of a Mac is found, and none is denied where nobody could look', async () => {
  const scdaemons = async (name: Mac) => (await gnupg.collect(await mac(name), passive)).scdaemons;
  expect(valueIn(await scdaemons('macos-sequoia-ifd-ccid'))).toMatchObject([{ process: { pid: 1700, comm: 'scdaemon' }, usesInternalCcid: null }]);
  expect(valueIn(await scdaemons('macos-sonoma'))).toEqual([]);
  expect(await scdaemons('macos-disk')).toEqual({ status: 'absent', reason: 'ps does not exist' });
});

test('a Linux machine is asked for nothing of it', async () => {
  const system = { ...realSystem(), platform: 'linux' as const, run: () => Promise.reject(new Error('a program was started')) };
  const facts = { ...(await macos.collect(system, active)), ...(await macosReaders.collect(system, active)), ...(await macosGnupg.collect(system, active)) };
  expect(Object.values(facts).map(({ status }) => status)).toEqual(['absent', 'absent', 'absent', 'absent']);
});

test('the driver folder of a Mac is the one somebody added, where there is one', async () => {
  expect(valueIn((await drivers.collect(await mac('macos-sonoma'), passive)).driverBundles).dropDir).toBe('/usr/libexec/SmartCardServices/drivers');
  expect((await libraries.collect(await mac('macos-sonoma'), passive)).libraries.status).toBe('absent');
  expect((await clients.collect(await mac('macos-sonoma'), passive)).clients).toEqual({ status: 'absent', reason: 'macOS has no pcscd' });
});
