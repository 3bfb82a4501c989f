import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import type { Holder, Report } from '../../src/report/schema.ts';
import type { As, Inmate } from '../../src/rig/namespace.ts';
import { OpenPgpCard } from '../../src/rig/openpgp-card.ts';
import { type Rig, startRig } from '../../src/rig/rig.ts';
import { until } from '../../src/rig/until.ts';
import { runCardcheck } from '../support/cardcheck.ts';

const identities: readonly As[] = process.getuid?.() === 0 ? ['root', 'user'] : ['root'];
const program = readFileSync(new URL('../support/pkcs11-host.py', import.meta.url), 'utf8');
const HOST = '/run/rig/tmp/pkcs11-host.py';
const OPENSC_CONF = '/run/rig/tmp/opensc.conf';

let rig: Rig;
afterEach(() => rig.stop());

async function start(): Promise<void> {
  rig = await startRig();
  const write = (file: string, text: string) => rig.run('sh', ['-c', 'cat > "$0"; chmod 644 "$0"', file], { cwd: '/', input: text });
  await write(HOST, program);
  // OpenSC knows cards by their ATR, and that of the virtual one is nobody's.
  const atr = new OpenPgpCard(1).atr.toString('hex').replace(/..(?=.)/g, '$&:');
  await write(OPENSC_CONF, `app default { card_atr ${atr} { driver = "openpgp"; } }\n`);
}

/** A second process with OpenSC's real module, which it was told of by a real configuration. */
async function host(as: As, ...how: string[]): Promise<Inmate> {
  const inmate = await rig.spawn('/usr/bin/python3', [HOST, ...how], { as, cwd: '/', env: { OPENSC_CONF, XDG_CONFIG_HOME: undefined }, stdio: ['pipe', 'pipe', 'pipe'] });
  await until('it has looked at its slots', async () => inmate.said.stdout() !== '' || inmate.said.stderr() !== '', 15_000);
  expect(inmate.said.stderr()).toBe('');
  return inmate;
}

async function close(inmate: Inmate): Promise<void> {
  inmate.child.stdin?.end();
  await inmate.exited;
}

const handles = async (): Promise<number | undefined> => (await rig.pcscd.readers())[0]?.sharing;

async function examine(as: As): Promise<{ report: Report; holder: Holder }> {
  const { report, words } = await runCardcheck(rig, { as });
  expect(report?.readers[0]?.holders, words).toHaveLength(1);
  return { report: report as Report, holder: report?.readers[0]?.holders[0] as Holder };
}

/** Runs what the finding says about the module, by the letter, with the program closed. */
async function applyRemedy({ findings }: Report, title: RegExp, as: As): Promise<void> {
  const remedy = findings.find(({ id }) => id === 'other-client-blocks-scdaemon')?.remedies.find((one) => title.test(one.title));
  expect(remedy?.kind, JSON.stringify(findings)).toBe('lasting');
  for (const command of remedy?.commands ?? []) expect(await rig.run('sh', ['-c', command], { as, cwd: '/' })).toMatchObject({ exitCode: 0 });
}

describe.each(identities)('a program that uses the card through opensc-pkcs11.so, as %s', (as) => {
  it('is named with its module and with p11-kit, which registers it', { timeout: 60_000 }, async () => {
    await start();
    await rig.gnupg({ as, scdaemonConf: ['disable-ccid'] });
    const inmate = await host(as, '--p11-kit');
    expect(await handles()).toBe(1);
    const { report, holder } = await examine(as);
    expect(holder).toMatchObject({
      pid: inmate.insidePid,
      command: 'opensc-pkcs11 in pkcs11-host.py (python3)',
      modules: [{ file: expect.stringMatching(/\/opensc-pkcs11\.so$/), registeredBy: [{ kind: 'p11-kit', file: '/usr/share/p11-kit/modules/opensc-pkcs11.module', program: 'python3' }], unknown: null }],
    });
    expect(holder.evidence).toContainEqual(expect.stringMatching(/^It has loaded \S+\/opensc-pkcs11\.so, which p11-kit registers for every program \(\/usr\/share\/p11-kit\/modules\/opensc-pkcs11\.module\)\.$/));
    await close(inmate);
    // The remedy against root's programs is a file in /etc, which a rig shares with the machine.
    if (as === 'root') return;
    await applyRemedy(report, /^Keep p11-kit from loading/, as);
    await host(as, '--p11-kit');
    expect(await handles()).toBe(0);
  });

  it('is named with its module and with the NSS database that names it', { timeout: 60_000 }, async () => {
    await start();
    await rig.gnupg({ as, scdaemonConf: ['disable-ccid'] });
    const database = `/run/rig/home/${as}/a database`;
    const run = (...args: string[]) => rig.run(args[0] as string, args.slice(1), { as, cwd: '/', input: '\n' });
    for (const args of [['mkdir', database], ['modutil', '-force', '-dbdir', `sql:${database}`, '-create'], ['modutil', '-force', '-dbdir', `sql:${database}`, '-add', 'My card', '-libfile', 'opensc-pkcs11.so']]) {
      expect(await run(...args)).toMatchObject({ exitCode: 0 });
    }
    const inmate = await host(as, '--nss', database);
    expect(await handles()).toBe(1);
    const { report, holder } = await examine(as);
    expect(holder).toMatchObject({
      pid: inmate.insidePid,
      command: 'opensc-pkcs11 in pkcs11-host.py (python3)',
      modules: [{ registeredBy: [{ kind: 'nss', file: `${database}/pkcs11.txt`, name: 'My card', open: true }], unknown: null }],
    });
    await close(inmate);
    await applyRemedy(report, /out of its NSS database$/, as);
    await host(as, '--nss', database);
    expect(await handles()).toBe(0);
  });
});

it('a user is told of another user\'s program nothing but what can be seen, and root everything', { timeout: 60_000 }, async () => {
  await start();
  await host('root', '--p11-kit');
  const { report } = await runCardcheck(rig, { as: 'user' });
  if (rig.hasUsers) expect(report?.readers[0]).toMatchObject({ holders: [], unattributed: 1 });
  const { stdout } = await rig.run(rig.node, [`${rig.app}/bin/cardcheck.js`, 'holders', '--json'], { cwd: '/' });
  expect(JSON.parse(stdout).readers[0].holders).toMatchObject([{ command: 'opensc-pkcs11 in pkcs11-host.py (python3)', certainty: 'proven', modules: [{ registeredBy: [{ kind: 'p11-kit' }] }] }]);
});
