import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadSnapshot, parseSnapshot } from '../../src/snapshot/load.ts';
import { saveSnapshot, writeWhole } from '../../src/snapshot/save.ts';
import { soundSnapshot } from '../support/snapshot.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cardcheck-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('a saved snapshot', () => {
  test('comes back as it was, and is its owner\'s alone', async () => {
    const file = join(folder, 'saved.json');
    await saveSnapshot(file, soundSnapshot());
    expect(await loadSnapshot(file)).toEqual(soundSnapshot());
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await readdir(folder)).filter((name) => name.includes('.tmp'))).toEqual([]);
  });

  test('can come through a pipe', async () => {
    expect(await loadSnapshot('-', Readable.from([Buffer.from(JSON.stringify(soundSnapshot()))]))).toEqual(soundSnapshot());
  });

  test('is made visible again: the file may come from anybody', async () => {
    const hostile = JSON.stringify(soundSnapshot({ host: { status: 'failed', error: '\x1b]0;owned\x07' } }));
    expect(parseSnapshot(hostile, 'it').facts.host).toEqual({ status: 'failed', error: '␛]0;owned␇' });
  });
});

describe('what is no snapshot is refused with a reason', () => {
  test.each([
    ['nothing', '', /it is empty/],
    ['binary', '\x00\x01\xff', /not JSON/],
    ['half of one', JSON.stringify(soundSnapshot()).slice(0, 500), /not JSON/],
    ['a number', '42', /expected object/],
    ['null', 'null', /expected object/],
    ['a later version', '{"schemaVersion": 7}', /schema version 7.*a newer cardcheck wrote it/],
    ['a report', JSON.stringify({ schemaVersion: 1, findings: [] }), /it is a report/],
    ['something else', '{"schemaVersion": 1, "hello": "world"}', /tool.* and \d+ more|facts/],
  ])('%s', (_, text, why) => {
    expect(() => parseSnapshot(text, 'x.json')).toThrow(expect.objectContaining({ exitCode: 65, message: expect.stringMatching(why) }));
  });

  test('a file that is not there, and a folder', async () => {
    await expect(loadSnapshot(join(folder, 'none.json'))).rejects.toMatchObject({ exitCode: 66, message: expect.stringContaining('ENOENT') });
    await expect(loadSnapshot(folder)).rejects.toMatchObject({ exitCode: 66, message: expect.stringContaining('EISDIR') });
  });

  test('more values than any machine has, before each of them is found wrong', () => {
    const many = JSON.stringify(soundSnapshot({ readers: { status: 'ok', source: 'x', value: [] } })).replace('"value":[]', `"value":[${'1,'.repeat(400_000)}1]`);
    expect(() => parseSnapshot(many, 'x.json')).toThrow(/more than 300000 values/);
  });

  test('brackets and commas that stand in words', () => {
    const source = '[{,'.repeat(200_000) + '\\"[';
    expect(parseSnapshot(JSON.stringify(soundSnapshot({ readers: { status: 'ok', source, value: [] } })), 'x.json').facts.readers).toMatchObject({ status: 'ok' });
  });

  test('nothing but brackets', () => {
    expect(() => parseSnapshot(`${'['.repeat(200_000)}${']'.repeat(200_000)}`, 'x.json')).toThrow(/nested more than 100 deep/);
  });

  test('more than 16 MiB', async () => {
    const endless = Readable.from((function* () { for (;;) yield Buffer.alloc(1024 * 1024, 'x'); })());
    await expect(loadSnapshot('-', endless)).rejects.toMatchObject({ exitCode: 65, message: expect.stringContaining('larger than 16 MiB') });
  });
});

describe('writing', () => {
  test('into a folder that is not there says so', async () => {
    await expect(saveSnapshot(join(folder, 'no', 'such', 'x.json'), soundSnapshot())).rejects.toMatchObject({ exitCode: 73 });
  });

  test('follows a link and leaves a device a device', async () => {
    await writeFile(join(folder, 'target'), 'old');
    await symlink(join(folder, 'target'), join(folder, 'link'));
    await writeWhole(join(folder, 'link'), 'new');
    expect(await readFile(join(folder, 'target'), 'utf8')).toBe('new');
    await writeWhole('/dev/null', 'gone');
    expect((await stat('/dev/null')).isCharacterDevice()).toBe(true);
  });
});
