import { expect, test } from 'vitest';
import cardPrograms from '../../src/collect/card-programs.ts';
import { realSystem } from '../../src/system/real.ts';
import { machine, passive, valueIn } from '../support/root.ts';

const running = (pid: number, comm: string, argv: string) => ({
  [`/proc/${pid}/comm`]: `${comm}\n`,
  [`/proc/${pid}/stat`]: `${pid} (${comm}) S 1 ${pid} ${pid} 0 -1 0 ${'0 '.repeat(12)}5 0\n`,
  [`/proc/${pid}/status`]: 'Uid:\t1000\t1000\t1000\t1000\n',
  [`/proc/${pid}/cmdline`]: `${argv.split(' ').join('\0')}\0`,
});

test('programs that are for cards alone are listed, and nobody else\'s', async () => {
  const system = await machine({
    ...running(70, 'yubikey-agent', '/usr/bin/yubikey-agent -l /run/x'),
    ...running(71, 'ykman', '/usr/bin/python3 /usr/bin/ykman piv info'),
    ...running(72, 'java', '/usr/bin/java -jar x.jar'),
    ...running(73, 'firefox', '/usr/lib/firefox/firefox'),
    ...running(74, 'scdaemon', 'scdaemon --multi-server'),
    ...running(75, 'pcscd', '/usr/sbin/pcscd'),
    ...running(76, 'pcsc_scan', 'pcsc_scan'),
  });
  const { running: found } = valueIn((await cardPrograms.collect(system, passive)).cardPrograms);
  expect(found.map(({ pid }) => pid)).toEqual([70, 71]);
});

test('tools that end scdaemon are found in the search path, the first one of each name', async () => {
  const files = { '/opt/bin/ykman': '', '/usr/bin/ykman': '', '/usr/bin/age-plugin-yubikey': '', '/home/x/bin/other': '' };
  const installed = async (PATH: string) => valueIn((await cardPrograms.collect(await machine(files, { env: { PATH } }), passive)).cardPrograms).installed;
  expect(await installed('/opt/bin:/usr/bin')).toEqual([{ program: 'ykman', path: '/opt/bin/ykman' }, { program: 'age-plugin-yubikey', path: '/usr/bin/age-plugin-yubikey' }]);
  expect(await installed('bin:/sbin')).toEqual([]);
});

test('this machine gives a list', async () => {
  expect((await cardPrograms.collect(realSystem(), passive)).cardPrograms.status).toBe('ok');
});
