import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeBlock, codeSpan, escapeText, renderMarkdown } from '../../src/report/markdown.ts';
import { examine } from '../../src/run.ts';
import { parseSnapshot } from '../../src/snapshot/load.ts';
import { redact } from '../../src/snapshot/redact.ts';
import type { Snapshot } from '../../src/snapshot/schema.ts';
import { type BuiltCardcheck, buildCardcheck } from '../support/built.ts';
import { situation, situations } from '../support/situations.ts';

const fresh = (name: string): Snapshot => ({ ...situation(name), redacted: false });
const markdownOf = (snapshot: Snapshot, full = false): string => renderMarkdown(examine(snapshot), snapshot, full);

/** What would be markup, a table cell or HTML, or call, link to or show something in a tracker. */
const hostile = [
  '| x | y |', '@octocat', '@org/team', '#123', 'GH-12', '</td></table><script>alert(1)</script>', '<!-- ', '![x](http://evil.example/p.png)', '[x](javascript:alert(1))',
  'https://evil.example', 'www.evil.example', 'mail@evil.example', '`rm -rf`', '```', '~~~', '**x**', '_x_', '~~x~~', '$x$', '&lt;b&gt;', '\\', '\\|', '# x', '- x', '1. x', '===', '<details>',
] as const;

describe('text from outside stays text', () => {
  const words = fc.array(fc.oneof(fc.constantFrom(...hostile), fc.string({ maxLength: 6 })), { minLength: 1, maxLength: 5 }).map((parts) => parts.join(''));
  /** The markup: what is left where escaped characters are but letters, and without our own entities. */
  const markup = (escaped: string) => escaped.replace(/\\[!-/:-@[-`{-~]/g, 'x').replaceAll('&#124;', 'x').replaceAll('&#8203;', ' ');

  test('escaped, it has no markup, no cell and no address, and calls nobody', () => {
    fc.assert(fc.property(words, (text) => {
      const rest = markup(escapeText(text));
      expect(rest).not.toMatch(/[\\`*[\]<>|~$&{}\n]/);
      expect(rest).not.toMatch(/@[\w-]|:\/\/|www\.|GH-\d/i);
      expect(rest).not.toMatch(/^(?:[-+=#]|\d+[.)](?:\s|$))/);
    }), { numRuns: 2000 });
  });

  test('as code, it ends where its fence ends and not before', () => {
    fc.assert(fc.property(words, (text) => {
      const span = codeSpan(text);
      const fence = /^`*/.exec(span)?.[0] ?? '';
      if (fence === '') expect([text.trim(), span]).toEqual(['', '(empty)']);
      expect(span.endsWith(fence)).toBe(true);
      expect((span.slice(fence.length, span.length - fence.length).match(/`+/g) ?? []).filter((run) => run.length === fence.length)).toEqual([]);
      const [first = '', ...lines] = codeBlock([text, '```']).split('\n');
      expect(lines.findIndex((line) => line.startsWith(first))).toBe(lines.length - 1);
    }), { numRuns: 2000 });
  });

  test.each(hostile)('%s as the name of a reader, of a process and of what is needed', (word) => {
    const inJson = JSON.stringify(word).slice(1, -1);
    const whole = parseSnapshot(JSON.stringify(fresh('gpg-blocked')).replaceAll('Yubico YubiKey OTP+FIDO+CCID 00 00', inJson).replaceAll('firefox-esr', inJson), 'x');
    const markdown = markdownOf({ ...whole, facts: { ...whole.facts, polkit: { status: 'denied', need: word }, usbDevices: { status: 'denied', need: word } } });
    const prose = markdown.replace(/^(`{3,})[^]*?^\1$/gm, '').replace(/(?<!\\|`)(`+)(?!`)[^]*?(?<!`)\1(?!`)/g, '');
    expect(prose).not.toMatch(/(?<!\\)[<[]|@\w|:\/\//);
    const cells = prose.split('\n').flatMap((line) => (line.startsWith('| ') ? [line.replace(/\\./g, '').split('|').length - 2] : []));
    expect([...new Set(cells)].sort()).toEqual([2, 4]);
  });
});

describe('the report', () => {
  test.each(situations)('%s: verdict, readers, findings with remedies, versions and configuration, and nobody\'s name', (name) => {
    const snapshot = redact(fresh(name));
    const { findings, readers } = examine(snapshot);
    const markdown = markdownOf(snapshot, true);
    expect(markdown).not.toContain('alice');
    expect(markdown).toMatch(/^\*\*[^*]+\*\*\n/);
    for (const part of ['### Readers', '### Versions', '### Configuration in force']) expect(markdown).toContain(`\n${part}\n`);
    for (const reader of readers) expect(markdown).toContain(escapeText(reader.name));
    for (const { code, id, remedies } of findings) {
      expect(markdown).toContain(` ${code}: `);
      expect(markdown).toContain(`\`${id}\``);
      for (const command of remedies.flatMap(({ commands }) => commands)) expect(markdown).toContain(`\n${command}\n`);
    }
  });

  test('names who registered a holder\'s module', () => {
    expect(markdownOf(fresh('pkcs11-module-blocks-gpg'))).toMatch(/^\| Yubico.*It has loaded \S*opensc-pkcs11\.so, which .*p11-kit/m);
  });

  test('names the configuration by file and line', () => {
    expect(markdownOf(fresh('config-trailing-comment'))).toMatch(/^- `\/home\/alice\/\.gnupg\/scdaemon\.conf:\d+`: `[^`]+`$/m);
  });

  test('says what stayed unseen and what would show it', () => {
    const { facts, ...rest } = fresh('base');
    expect(markdownOf({ ...rest, facts: { ...facts, usbDevices: { status: 'denied', need: 'root' } } })).toMatch(/### What stayed unseen\n\n(?:- .*\n)*- the USB bus: needs root\n/);
  });

  test('in full, it holds the snapshot, which can be examined again', () => {
    const snapshot = redact(fresh('gpg-holds'));
    const [, json = ''] = /```json\n([^]*?)\n```/.exec(markdownOf(snapshot, true)) ?? [];
    expect(parseSnapshot(json, 'the report')).toEqual(snapshot);
    expect(markdownOf(snapshot)).not.toContain('```json');
  });
});

describe('cardcheck report', () => {
  let cardcheck: BuiltCardcheck;
  let folder = '';
  beforeAll(async () => {
    cardcheck = await buildCardcheck();
    folder = await mkdtemp(join(tmpdir(), 'cardcheck-'));
    await writeFile(join(folder, 'taken.json'), JSON.stringify(fresh('gpg-blocked')));
  });
  afterAll(async () => {
    await cardcheck.remove();
    await rm(folder, { recursive: true });
  });

  test('is redacted unless it is asked not to be, and says which', async () => {
    const shared = await cardcheck.run(['report', '--from', join(folder, 'taken.json')]);
    expect(shared).toMatchObject({ exitCode: 0, stderr: '', stdout: expect.not.stringContaining('alice') });
    expect(shared.stdout).toContain('are replaced');
    const own = await cardcheck.run(['report', '--no-redact', '--from', join(folder, 'taken.json')]);
    expect(own.stdout).toContain('alice');
    expect(own.stdout).toContain('Nothing in it is replaced');
  });

  test('goes into a file for others to read, or says why not', async () => {
    const file = join(folder, 'report.md');
    expect(await cardcheck.run(['report', '--from', '-', '-o', file], { stdin: await readFile(join(folder, 'taken.json'), 'utf8') })).toMatchObject({ exitCode: 0, stdout: '' });
    expect(await readFile(file, 'utf8')).toContain('CC102');
    expect((await stat(file)).mode & 0o777).toBe(0o644);
    expect(await cardcheck.run(['report', '--from', join(folder, 'taken.json'), '-o', join(folder, 'no/such')])).toMatchObject({ exitCode: 73 });
    expect(await cardcheck.run(['report', '--from', join(folder, 'none.json')])).toMatchObject({ exitCode: 66 });
  });

  test('examines this machine without a file', async () => {
    const { exitCode, stdout } = await cardcheck.run(['report', '--passive']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('without a connect to any card');
    expect(stdout).toContain('### Versions');
  });
});
