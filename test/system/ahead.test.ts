import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
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
    ['gpg --version', async () => [await place('gpg'), ['--no-options', '--version']]],
    ['scdaemon --version', async () => [await place('scdaemon'), ['--no-options', '--version']]],
    ['scdaemon --dump-option-table', async () => [await place('scdaemon'), ['--dump-option-table']]],
    ['scdaemon --gpgconf-test', async () => [await place('scdaemon'), ['--homedir', await home(), '--gpgconf-test']]],
    ['pcscd -v', async () => ['/usr/sbin/pcscd', ['-v']]],
  ])('%s says what it says when it is asked in the ordinary way', async (_, question) => {
    const [program, args] = await question();
    expect(await ahead.take(program, args)).toEqual(await plain.run(program, args));
  });

  test('scdaemon is not asked of a file it would never get past, and its other answers come', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ahead-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    execFileSync('mkfifo', [join(folder, 'scdaemon.conf')]);
    const blocked = withEnvironment('GNUPGHOME', folder, () => new Ahead());
    const scdaemon = await place('scdaemon');
    expect(await blocked.take(scdaemon, ['--no-options', '--version'])).toMatchObject({ exitCode: 0 });
    expect(await blocked.take(scdaemon, ['--homedir', folder, '--gpgconf-test'])).toBeNull();
  });

  test('a program that is not there gives no answer, though the shell says something of it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ahead-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const missing = join(folder, 'scdaemon');
    await writeFile(join(folder, 'gpgconf'), `#!/bin/sh\necho 'scdaemon:Smartcards:${missing}'\n`, { mode: 0o755 });
    const blind = withEnvironment('PATH', `${folder}:${process.env.PATH}`, () => new Ahead());
    expect(await blind.take('gpgconf', ['--list-components'])).toMatchObject({ stdout: expect.stringContaining(missing) });
    expect(await blind.take(missing, ['--no-options', '--version'])).toBeNull();
    expect(await blind.take(missing, ['--dump-option-table'])).toBeNull();
  });

  test('another program of that name, another home, or another question is not answered', async () => {
    expect(await ahead.take('/opt/bin/gpg', ['--version'])).toBeNull();
    expect(await ahead.take(await place('scdaemon'), ['--homedir', '/elsewhere', '--gpgconf-test'])).toBeNull();
    expect(await ahead.take('gpgconf', ['--kill', 'scdaemon'])).toBeNull();
  });
});

function withEnvironment<T>(name: string, value: string, work: () => T): T {
  const before = process.env[name];
  process.env[name] = value;
  try {
    return work();
  } finally {
    if (before === undefined) delete process.env[name];
    else process.env[name] = before;
  }
}
