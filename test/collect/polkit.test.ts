import { describe, expect, test } from 'vitest';
import polkit from '../../src/collect/polkit.ts';
import { realSystem } from '../../src/system/real.ts';
import type { FixtureMachine } from '../../src/system/fixture.ts';
import { machine, passive, root, rootNames, valueIn } from '../support/root.ts';

const collect = async (name: (typeof rootNames)[number]) => valueIn((await polkit.collect(await root(name), passive)).polkit);

test('a pcscd without polkit lets everybody in', async () => {
  expect(await collect('debian12-desktop')).toMatchObject({ enforced: false, accessPcsc: 'yes', accessCard: 'yes', evidence: ['/usr/sbin/pcscd 1.9.9 is built without polkit'] });
});

test('polkit\'s own answer about this process counts, and a drop-in beats /etc/default/pcscd', async () => {
  const answer = await collect('debian13-pcscd-2.3.3');
  expect(answer).toMatchObject({ enforced: true, accessPcsc: 'no', accessCard: 'no' });
  expect(answer.evidence).toContain('pkcheck --action-id org.debian.pcsc-lite.access_pcsc: Not authorized.');
});

test('a rule that names pcscd makes the answer unknown where polkit was not asked', async () => {
  expect(await collect('fedora-pcscd-2.4.1')).toMatchObject({ enforced: true, accessPcsc: 'unknown', rules: ['/usr/share/polkit-1/rules.d/30-pcsc.rules'] });
});

test('root is let in', async () => {
  expect(await collect('second-pcscd')).toMatchObject({ enforced: true, accessPcsc: 'yes' });
});

test('a pcscd that cannot be asked leaves everything unknown', async () => {
  expect(await collect('container')).toMatchObject({ enforced: null, accessPcsc: 'unknown', accessCard: 'unknown' });
});

test('what pcscd needs in order to ask is looked for where it asks', async () => {
  const build: FixtureMachine = { commands: { '/usr/sbin/pcscd -v': { stdout: 'pcsc-lite version 2.3.3\nEnabled features: USB polkit\n' } } };
  const look = async (files: Record<string, string>, more: FixtureMachine = {}) => valueIn((await polkit.collect(await machine({ '/usr/sbin/pcscd': '', ...files }, { ...build, ...more }), passive)).polkit);
  expect(await look({})).toMatchObject({ bus: false, authority: 'missing', hidepid: null });
  const service = { '/usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service': '[D-BUS Service]\n' };
  const mounts = (options: string) => ({ '/proc/mounts': `sysfs /sys sysfs rw 0 0\nproc /proc proc ${options} 0 0\n` });
  const bus: FixtureMachine = { stat: { '/run/dbus/system_bus_socket': { kind: 'socket' } } };
  expect(await look({ ...service, ...mounts('rw,nosuid,hidepid=invisible') }, bus)).toMatchObject({ bus: true, authority: 'startable', hidepid: 'invisible' });
  expect(await look(mounts('rw,hidepid=0'), bus)).toMatchObject({ authority: 'missing', hidepid: null });
  expect(await collect('debian12-desktop')).toMatchObject({ enforced: false, bus: null });
});

describe('without an answer of polkit', () => {
  const policy = (id: string) =>
    `<action id="org.debian.pcsc-lite.${id}"><defaults><allow_any>no</allow_any><allow_inactive>auth_admin</allow_inactive><allow_active>yes</allow_active></defaults></action>`;
  const files = (session: string, more: Record<string, string> = {}) => ({
    '/usr/sbin/pcscd': '',
    '/usr/share/polkit-1/actions/org.debian.pcsc-lite.policy': `<policyconfig>${policy('access_pcsc')}${policy('access_card')}</policyconfig>`,
    '/run/systemd/users/1000': 'DISPLAY=c1\n',
    '/run/systemd/sessions/c1': session,
    ...more,
  });
  const build: FixtureMachine = { commands: { '/usr/sbin/pcscd -v': { stdout: 'pcsc-lite version 2.3.3\nEnabled features: USB polkit\n' } } };
  const decide = async (...args: Parameters<typeof files>) => valueIn((await polkit.collect(await machine(files(...args), build), passive)).polkit);

  test.each([
    ['ACTIVE=1\nREMOTE=0\n', 'yes'],
    ['ACTIVE=0\nREMOTE=0\n', 'auth'],
    ['ACTIVE=1\nREMOTE=1\n', 'no'],
    ['REMOTE=0\n', 'unknown'],
  ])('the policy decides by the session %j: %s', async (session, access) => {
    expect(await decide(session)).toMatchObject({ accessPcsc: access, accessCard: access });
  });

  test('a rule that looks at no action may decide about ours', async () => {
    const rule = 'polkit.addRule(function(action, subject) { if (subject.isInGroup("wheel")) return polkit.Result.YES; });';
    const answer = await decide('ACTIVE=1\nREMOTE=1\n', { '/etc/polkit-1/rules.d/10-all.rules': rule });
    expect(answer).toMatchObject({ accessPcsc: 'unknown', rules: [] });
    expect(answer.evidence.at(-1)).toContain('/etc/polkit-1/rules.d/10-all.rules');
  });

  test('a rule about something else does not', async () => {
    const rule = 'polkit.addRule(function(action, subject) { if (action.id == "org.example.mount") return polkit.Result.YES; });';
    expect((await decide('ACTIVE=1\nREMOTE=1\n', { '/etc/polkit-1/rules.d/10-mount.rules': rule })).accessPcsc).toBe('no');
  });

  test('rules in a closed folder may decide', async () => {
    const system = await machine(files('ACTIVE=1\nREMOTE=1\n'), { ...build, stat: { '/etc/polkit-1/rules.d': { kind: 'directory', mode: 0o700 } } });
    expect(valueIn((await polkit.collect(system, passive)).polkit).accessPcsc).toBe('unknown');
  });

  test('a running pcscd\'s own arguments count', async () => {
    const daemon = {
      '/proc/7/comm': 'pcscd\n',
      '/proc/7/stat': `7 (pcscd) S 1 7 7 0 -1 0 ${'0 '.repeat(12)}5 0\n`,
      '/proc/7/status': 'Uid:\t0\t0\t0\t0\n',
      '/proc/7/cmdline': '/usr/sbin/pcscd\0--foreground\0--disable-polkit\0',
    };
    expect(await decide('', daemon)).toMatchObject({ enforced: false, accessPcsc: 'yes', evidence: ['--disable-polkit is an argument of the running pcscd (pid 7)'] });
  });
});

test('polkit is not asked where it does not run: a question would start it', async () => {
  const asked: string[] = [];
  const system = await root('debian13-pcscd-2.3.3');
  const without = {
    ...system,
    readDir: async (path: string) => (await system.readDir(path)).filter((name) => path !== '/proc' || name !== '702'),
    run: (program: string, args: readonly string[]) => {
      asked.push(program);
      return system.run(program, args);
    },
  };
  expect(valueIn((await polkit.collect(without, passive)).polkit)).toMatchObject({ enforced: true, accessPcsc: 'no' });
  expect(asked).not.toContain('pkcheck');
});

test.each([0, 1000])('an action that polkit does not know is refused to everybody, user %i as well', async (uid) => {
  const ask = (action: string) => [`pkcheck --action-id org.debian.pcsc-lite.${action} --process 42,9,${uid}`, { exitCode: 127, stderr: `Error checking for authorization: GDBus.Error: Action org.debian.pcsc-lite.${action} is not registered\n` }];
  const process = (pid: number, comm: string) => ({ [`/proc/${pid}/comm`]: `${comm}\n`, [`/proc/${pid}/stat`]: `${pid} (${comm}) S 1 7 7 0 -1 0 ${'0 '.repeat(12)}9 0\n`, [`/proc/${pid}/status`]: 'Uid:\t0\t0\t0\t0\n', [`/proc/${pid}/cmdline`]: `${comm}\0` });
  const system = await machine(
    { '/usr/sbin/pcscd': '', '/usr/bin/pkcheck': '', ...process(42, 'node'), ...process(7, 'polkitd') },
    {
      pid: 42,
      uid,
      stat: { '/run/dbus/system_bus_socket': { kind: 'socket' } },
      commands: { '/usr/sbin/pcscd -v': { stdout: 'pcsc-lite version 2.3.3\nEnabled features: USB polkit\n' }, ...Object.fromEntries([ask('access_pcsc'), ask('access_card')]) },
    },
  );
  expect(valueIn((await polkit.collect(system, passive)).polkit)).toMatchObject({ enforced: true, accessPcsc: 'no', accessCard: 'no', registered: false });
});

test.each(rootNames)('the machine %s fills the fact', async (name) => {
  expect((await collect(name)).evidence.length).toBeGreaterThan(0);
});

test('this machine gives an answer', async () => {
  expect((await polkit.collect(realSystem(), passive)).polkit.status).toBe('ok');
});
