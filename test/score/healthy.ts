/**
 * Confusion control: node bin/ts.js test/score/healthy.ts [COUNT] [FOLDER]
 * Records logs of healthy runs from real programs (pcscd, scdaemon and gpg, OpenSC, pcsc_scan, ykman where
 * installed, libpcscspy) on virtual readers in private namespaces, and explains each. Nothing above `possible`
 * may be said. With FOLDER the logs are kept there. Exits 1 when something was said. Needs the build and root.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { explainText } from '../../src/explain/explain.ts';
import { type Rig, startRig } from '../../src/rig/rig.ts';

interface Log {
  name: string;
  text: string;
}

const [count = '200', folder] = process.argv.slice(2);
const wanted = Number(count);

const pcscdLevels: readonly (readonly string[])[] = [['--debug'], [], ['--info'], ['--debug', '--apdu'], ['--debug', '--color']];
const scdaemonConfigs: readonly (readonly string[])[] = [
  ['debug-level guru', 'log-file /tmp/scd.log', 'verbose'],
  ['disable-ccid', 'debug-level basic', 'log-file /tmp/scd.log'],
  ['disable-ccid', 'pcsc-shared', 'debug-level expert', 'log-file /tmp/scd.log', 'debug cardio'],
  ['pcsc-shared', 'verbose', 'log-file /tmp/scd.log'],
];

const both = ({ stdout, stderr }: { stdout: string; stderr: string }): string => `${stdout}${stderr}`;

/** One program's visit to the card, in the words of everybody involved. */
type Visit = (rig: Rig) => Promise<string>;

const tool =
  (command: string, ...args: string[]): Visit =>
  async (rig) =>
    both(await rig.run(command, args, { timeoutMs: 20_000 }));

const gpg =
  (conf: readonly string[]): Visit =>
  async (rig) => {
    const home = await rig.gnupg({ scdaemonConf: conf });
    await home.run('sh', ['-c', 'rm -f /tmp/scd.log']);
    const status = both(await home.gpg('--card-status'));
    const again = both(await home.gpg('--card-status'));
    const log = both(await home.run('sh', ['-c', 'cat /tmp/scd.log']));
    const shown = both(await home.run('sh', ['-c', 'cat ~/.gnupg/scdaemon.conf; gpg --version | head -2; pgrep -ax scdaemon']));
    await home.killScdaemon();
    return [status, again, log, shown].join('\n');
  };

/** Two programs that share, one after the other and at once. */
const together: Visit = async (rig) => {
  const reader = rig.readers[0] as string;
  const other = await rig.hold(reader, 'shared');
  const seen = both(await rig.run('opensc-tool', ['-r', '0', '-a']));
  await other.release();
  return seen;
};

const outAndIn: Visit = async (rig) => {
  const card = rig.card(0);
  await card.remove();
  await rig.pcscd.untilReaders('the card is out', ([first]) => first !== undefined && !first.present);
  await card.insert();
  await rig.pcscd.untilReaders('the card is in', ([first]) => first !== undefined && first.present);
  return '';
};

const spied: Visit = async (rig) =>
  both(
    await rig.run('sh', ['-c', 'cd /tmp; export HOME=/tmp; rm -f pcsc-spy; mkfifo pcsc-spy; (timeout 15 cat pcsc-spy > spied; true) & LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libpcscspy.so.0 timeout 10 opensc-tool -r 0 -a; wait; cat spied; timeout 10 pcsc-spy -n spied'], { timeoutMs: 40_000 }),
  );

const visits: readonly (readonly [string, Visit])[] = [
  ['opensc-list', tool('opensc-tool', '--list-readers', '--atr')],
  ['opensc-debug', tool('sh', '-c', 'OPENSC_DEBUG=9 opensc-tool --name')],
  ['pcsc-scan', tool('timeout', '3', 'pcsc_scan', '-n')],
  ['pkcs11-slots', tool('pkcs11-tool', '--list-slots')],
  ['shared', together],
  ['out-and-in', outAndIn],
  ['spied', spied],
  ['versions', tool('sh', '-c', 'pcscd -v; gpg --version; opensc-tool --version; ss -xp | head -40; ps ax')],
  ['ykman', tool('sh', '-c', 'command -v ykman >/dev/null && { ykman --version; ykman --log-level DEBUG list --readers; ykman list; }; true')],
  ...scdaemonConfigs.map((conf, index) => [`gpg-${index}`, gpg(conf)] as const),
];

async function record(): Promise<Log[]> {
  const logs: Log[] = [];
  for (let session = 0; logs.length < wanted; session++) {
    const level = pcscdLevels[session % pcscdLevels.length] as readonly string[];
    const rig = await startRig({ readers: [{ card: 'openpgp' }], pcscdArgs: level });
    try {
      let read = 0;
      logs.push({ name: `${session}-start`, text: rig.pcscd.log });
      for (const [name, visit] of visits) {
        const said = await visit(rig);
        const log = rig.pcscd.log;
        const delta = log.slice(read);
        read = log.length;
        if (delta !== '') logs.push({ name: `${session}-${name}-pcscd`, text: delta });
        if (said.trim() !== '') logs.push({ name: `${session}-${name}`, text: `${said}\n${delta}` });
      }
    } finally {
      await rig.stop();
    }
    process.stderr.write(`${logs.length} logs\n`);
  }
  return logs.slice(0, wanted);
}

const logs = await record();
if (folder !== undefined) {
  mkdirSync(folder, { recursive: true });
  for (const { name, text } of logs) writeFileSync(`${folder}/${name}.log`, text);
}
let wrong = 0;
for (const { name, text } of logs) {
  const sure = explainText(text).causes.filter(({ id, certainty }) => certainty !== 'possible' && id !== 'healthy' && id !== 'harmless-noise');
  if (sure.length === 0) continue;
  wrong++;
  for (const { id, certainty, evidence } of sure) process.stdout.write(`${name}: ${certainty} ${id}\n${evidence.map(({ line, text: quoted, says }) => `    ${line}: ${quoted}\n       ${says}\n`).join('')}`);
}
const bytes = logs.reduce((sum, { text }) => sum + text.length, 0);
process.stdout.write(`${logs.length} healthy logs (${Math.round(bytes / 1024)} KiB), ${wrong} with a cause above possible\n`);
process.exit(wrong === 0 ? 0 : 1);
