import { describe, expect, test } from 'vitest';
import { Ahead } from '../../src/system/ahead.ts';
import { realSystem } from '../../src/system/real.ts';

describe('programs started ahead', () => {
  const ahead = new Ahead();
  const plain = realSystem();
  const place = async (name: string) => (await plain.run('gpgconf', ['--list-components'])).stdout.split('\n').find((line) => line.startsWith(`${name}:`))?.split(':')[2] ?? '';
  const home = async () => (await plain.run('gpgconf', ['--list-dirs'])).stdout.split('\n').find((line) => line.startsWith('homedir:'))?.split(':')[1] ?? '';

  test.each<[string, () => Promise<[string, string[]]>]>([
    ['gpgconf --list-components', async () => ['gpgconf', ['--list-components']]],
    ['gpgconf --list-dirs', async () => ['gpgconf', ['--list-dirs']]],
    ['gpg --version', async () => [await place('gpg'), ['--version']]],
    ['scdaemon --version', async () => [await place('scdaemon'), ['--version']]],
    ['scdaemon --dump-option-table', async () => [await place('scdaemon'), ['--dump-option-table']]],
    ['scdaemon --gpgconf-test', async () => [await place('scdaemon'), ['--homedir', await home(), '--gpgconf-test']]],
    ['pcscd -v', async () => ['/usr/sbin/pcscd', ['-v']]],
  ])('%s says what it says when it is asked in the ordinary way', async (_, question) => {
    const [program, args] = await question();
    expect(await ahead.take(program, args)).toEqual(await plain.run(program, args));
  });

  test('another program of that name, another home, or another question is not answered', async () => {
    expect(await ahead.take('/opt/bin/gpg', ['--version'])).toBeNull();
    expect(await ahead.take(await place('scdaemon'), ['--homedir', '/elsewhere', '--gpgconf-test'])).toBeNull();
    expect(await ahead.take('gpgconf', ['--kill', 'scdaemon'])).toBeNull();
  });
});
