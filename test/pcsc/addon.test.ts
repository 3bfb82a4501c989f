import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type AddonPort, readerState, startAddon } from '../../src/pcsc/addon.ts';
import { classifyLoadFailure, lineCutter, parseCallFailure } from '../../src/pcsc/addon-messages.ts';
import { abortPcsc } from '../../src/pcsc/exclusive.ts';
import type { OpenedPcsc } from '../../src/pcsc/port.ts';
import { buildChild } from './child-bundle.ts';
import { type Daemon, listen } from './fake-pcscd.ts';

const LONG = 20_000;
const SHORT = 150;

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'addon-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const addons: AddonPort[] = [];
const daemons: Daemon[] = [];
afterEach(async () => {
  delete process.env.PCSCLITE_CSOCK_NAME;
  for (const addon of addons.splice(0)) await addon.close();
  for (const daemon of daemons.splice(0)) await daemon.stop();
});

function started(script: string): AddonPort {
  const addon = startAddon(script);
  addons.push(addon);
  return addon;
}

async function gone(pid: number | null): Promise<void> {
  while (pid !== null && isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 5));
}
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const require = createRequire(import.meta.url);
const packageOf = (name: string) => dirname(require.resolve(`${name}/package.json`));
const addonFile = 'build/Release/pcsclite.node';

/** A folder with the child and a pcsclite of its own, spoiled in one way. */
async function withPcsclite(name: string, spoil: (pcsclite: string) => Promise<void>): Promise<string> {
  const place = join(folder, name);
  for (const dependency of ['pcsclite', 'bindings', 'file-uri-to-path']) {
    await cp(packageOf(dependency), join(place, 'node_modules', dependency), { recursive: true });
  }
  await spoil(join(place, 'node_modules/pcsclite'));
  return buildChild(place);
}

/** The compiled file with one name in it replaced by another of the same length. */
async function replaceIn(pcsclite: string, from: string, to: string): Promise<void> {
  const path = join(pcsclite, addonFile);
  const bytes = await readFile(path);
  let at = bytes.indexOf(from);
  expect(at).toBeGreaterThan(0);
  for (; at !== -1; at = bytes.indexOf(from, at)) bytes.write(to, at);
  await writeFile(path, bytes);
}

describe('loading pcsclite', () => {
  test('that is sound tells its version and file', async () => {
    const addon = started(await withPcsclite('sound', async () => {}));
    expect(await addon.loaded(LONG)).toEqual({ status: 'ok', value: { version: '1.0.1', path: expect.stringContaining(addonFile), library: expect.stringContaining('/libpcsclite') }, source: 'pcsclite' });
  });

  test('that is not installed', async () => {
    const addon = started(await buildChild(join(folder, 'without')));
    expect(await addon.loaded(LONG)).toEqual({ status: 'absent', reason: expect.stringMatching(/^not-installed: Cannot find module 'pcsclite'/) });
  });

  test('that was not built', async () => {
    const addon = started(await withPcsclite('unbuilt', (pcsclite) => rm(join(pcsclite, 'build'), { recursive: true })));
    expect(await addon.loaded(LONG)).toEqual({ status: 'absent', reason: expect.stringMatching(/^not-built: /) });
  });

  test('that was built for another Node', async () => {
    const symbol = `node_register_module_v${process.versions.modules}`;
    const addon = started(await withPcsclite('foreign', (pcsclite) => replaceIn(pcsclite, symbol, symbol.replace(/\d+$/, (digits) => '9'.repeat(digits.length)))));
    expect(await addon.loaded(LONG)).toEqual({ status: 'absent', reason: expect.stringMatching(/^wrong-abi: /) });
  });

  test('whose libpcsclite is missing', async () => {
    const addon = started(await withPcsclite('bereft', (pcsclite) => replaceIn(pcsclite, 'libpcsclite.so.1', 'libpcsclite.so.9')));
    expect(await addon.loaded(LONG)).toEqual({ status: 'absent', reason: expect.stringMatching(/^library-missing: libpcsclite\.so\.9/) });
    expect(await addon.open(LONG)).toMatchObject({ status: 'absent' });
    expect(addon.context).toMatchObject({ status: 'absent' });
  });

  // The loaders' words, which cannot all be had on one machine.
  test.each([
    ['wrong-abi', 'ERR_DLOPEN_FAILED', 'The module \'/x/pcsclite.node\'\nwas compiled against a different Node.js version using\nNODE_MODULE_VERSION 108.'],
    ['wrong-abi', 'ERR_DLOPEN_FAILED', '/x/pcsclite.node: wrong ELF class: ELFCLASS32'],
    ['library-missing', 'ERR_DLOPEN_FAILED', 'Error loading shared library libpcsclite.so.1: No such file or directory (needed by /x/pcsclite.node)'],
    ['failed', 'EACCES', 'EACCES: permission denied, open \'/x/pcsclite.node\''],
  ])('says %s for %s %j', (kind, code, message) => {
    expect(classifyLoadFailure(Object.assign(new Error(message), { code })).kind).toBe(kind);
  });
});

test('an error of pcsclite is read by its number, whatever language or width', () => {
  expect(parseCallFailure(new Error('SCardConnect error: Sharing violation.(0x8010000b)'))).toMatchObject({ rv: 0x8010000b, call: 'SCardConnect' });
  expect(parseCallFailure(new Error('SCardConnect error: Partage (refusé).(0xffffffff8010000b)'))).toMatchObject({ rv: 0x8010000b });
  expect(parseCallFailure(new TypeError('reader is gone'))).toEqual({ rv: null, call: null, text: 'reader is gone' });
});

test('answers are cut into the same lines however they arrive, and a line without end is dropped', () => {
  const line = fc.string({ maxLength: 30 }).map((text) => text.replaceAll('\n', ''));
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.nat(40)), (lines, sizes) => {
      const text = lines.map((each) => `${each}\n`).join('');
      const cut: string[] = [];
      const take = lineCutter((each) => cut.push(each), 20);
      let at = 0;
      for (const size of [...sizes, text.length]) {
        take(text.slice(at, at + size));
        at += size;
      }
      expect(cut).toEqual(lines.filter((each) => each.length < 20));
    }),
  );
});

test('the library\'s states are told in the words of pcscd\'s table', () => {
  const PRESENT = 0x22;
  const state = (bits: number) => readerState({ name: 'R', state: bits, atr: null })[0];
  expect(state(0x12)).toMatchObject({ present: false, sharing: 0 });
  expect(state(PRESENT)).toMatchObject({ present: true, sharing: 0 });
  expect(state(PRESENT | 0x100)).toMatchObject({ present: true, sharing: 1 });
  expect(state(PRESENT | 0x80)).toMatchObject({ present: true, sharing: -1 });
  expect(state(0x50022)).toMatchObject({ eventCounter: 5 });
  expect(readerState({ name: 'R', state: null, atr: null })).toEqual([]);
});

describe('the child', () => {
  test('has the code of SCardEstablishContext when there is no pcscd', async () => {
    process.env.PCSCLITE_CSOCK_NAME = join(folder, 'nothing.comm');
    const addon = started(await withPcsclite('lonely', async () => {}));
    expect(await addon.open(LONG)).toEqual({ status: 'failed', error: 'SCardEstablishContext: SCARD_E_NO_SERVICE (0x8010001D)' });
    expect(addon.context).toMatchObject({ status: 'ok', value: { code: 'SCARD_E_NO_SERVICE', hex: '0x8010001D' } });
  });

  test('that hangs in libpcsclite is given up and killed', async () => {
    const daemon = await listen(() => {});
    daemons.push(daemon);
    process.env.PCSCLITE_CSOCK_NAME = daemon.path;
    const addon = started(await withPcsclite('hanging', async () => {}));
    await addon.loaded(LONG);
    expect(await addon.open(SHORT)).toMatchObject({ status: 'timeout' });
    expect(addon.context).toMatchObject({ status: 'timeout' });
    await addon.close();
    await gone(addon.pid);
  });

  test('ignores Ctrl-C, which reaches its whole group, and ends when its parent has gone', async () => {
    const script = await buildChild(join(folder, 'orphan'));
    const child: ChildProcess = spawn(process.execPath, [script], { stdio: ['pipe', 'ignore', 'inherit', 'pipe'] });
    const lines = createInterface({ input: child.stdio[3] as NodeJS.ReadableStream });
    await once(lines, 'line');
    child.kill('SIGINT');
    child.stdin?.write('{"id":1,"op":"open"}\n');
    expect(JSON.parse((await once(lines, 'line'))[0] as string)).toMatchObject({ id: 1, rv: null });
    child.stdin?.destroy();
    await once(child, 'exit');
  });

  test('that dies in the middle leaves an error with its words, not a hanging run', async () => {
    const pcsc = await openedChild('process.stderr.write("terminate called\\n"); process.abort();');
    expect(await pcsc.connect('R', 'shared', LONG)).toMatchObject({ outcome: 'error', reason: 'the child process ended (SIGABRT): terminate called' });
  });

  test('that writes nonsense is given up', async () => {
    const pcsc = await openedChild('fs.writeSync(3, "nonsense\\n");');
    expect(await pcsc.connect('R', 'shared', LONG)).toMatchObject({ outcome: 'error' });
  });

  test('is not asked for a reader that the library does not list', async () => {
    const pcsc = await openedChild('process.abort();');
    expect(await pcsc.connect('Other', 'shared', LONG)).toMatchObject({ outcome: 'skipped', reason: 'libpcsclite lists no reader of this name' });
  });

  test('is killed with a SHARED connect under way, but not with an EXCLUSIVE one', async () => {
    const slow = 'setTimeout(() => { fs.writeFileSync(process.argv[1] + "." + request.mode, ""); say({ id: request.id, rv: 0, call: "SCardConnect", text: null, ms: 1 }); }, 400);';
    for (const [mode, finishes] of [['shared', false], ['exclusive', true]] as const) {
      const pcsc = await openedChild(slow);
      expect(await pcsc.connect('R', mode, SHORT)).toMatchObject({ outcome: 'blocked' });
      await addons.at(-1)?.close();
      await gone(addons.at(-1)?.pid ?? null);
      expect(await readFile(`${lastChild}.${mode}`).then(() => true, () => false)).toBe(finishes);
    }
  });

  // Last: there is no way back.
  test('begins no EXCLUSIVE connect once the run is being ended, which waits for the one under way', async () => {
    const pcsc = await openedChild('setTimeout(() => say({ id: request.id, rv: 0, call: "SCardConnect", text: null, ms: 1 }), 200);');
    const underWay = pcsc.connect('R', 'exclusive', LONG);
    let settled = false;
    void underWay.then(() => {
      settled = true;
    });
    await abortPcsc();
    await new Promise(setImmediate);
    expect(settled).toBe(true);
    expect(await pcsc.connect('R', 'exclusive', LONG)).toMatchObject({ outcome: 'skipped', reason: 'cardcheck was asked to end' });
  });
});

let lastChild = '';
let children = 0;
/** A child that keeps the contract up to the first connect, and then does what `onConnect` says. */
async function openedChild(onConnect: string): Promise<OpenedPcsc> {
  lastChild = join(folder, `child-${++children}.cjs`);
  await mkdir(folder, { recursive: true });
  await writeFile(
    lastChild,
    `const fs = require('node:fs');
    const say = (message) => fs.writeSync(3, JSON.stringify(message) + '\\n');
    say({ loaded: true, version: '1.0.1', path: null });
    require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
      const request = JSON.parse(line);
      if (request.op === 'open') return say({ id: request.id, rv: 0, call: 'SCardEstablishContext', text: null, names: ['R'] });
      ${onConnect}
    });`,
  );
  const opened = await started(lastChild).open(LONG);
  if (opened.status !== 'ok') throw new Error(JSON.stringify(opened));
  return opened.value;
}
