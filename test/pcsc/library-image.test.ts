/** Against the real libraries of three generations of Debian. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import libraries from '../../src/collect/libraries.ts';
import { readLibraryImage } from '../../src/pcsc/library-image.ts';
import { realSystem } from '../../src/system/real.ts';
import { type Generation, libraryOf } from '../support/pcscd-generations.ts';
import { passive, valueIn } from '../support/root.ts';

/** Where compilers put the version into one constant that is known; elsewhere the answer has to be none. */
const legible = ['x64', 'arm64'].includes(process.arch);
const spoken = (minor: number) => (legible ? { major: 4, minor } : null);

const installed = async () => {
  const found = valueIn((await libraries.collect(realSystem(), passive)).libraries).find(({ owner, kind }) => owner === 'system' && kind === 'client');
  if (found === undefined) throw new Error('libpcsclite is not installed');
  return { found, bytes: readFileSync(found.realPath) };
};

test('the installed library announces what its package\'s version speaks', async () => {
  const { found, bytes } = await installed();
  expect(readLibraryImage(bytes)).toMatchObject({ role: 'client', protocol: legible ? found.protocol : null });
  expect(found.protocolFrom).toBe(legible ? 'file' : 'version');
});

/** What stands in the last of its files, or in the one before. */
const image = async (generation: Exclude<Generation, 'installed'>, which: number) => readLibraryImage(readFileSync((await libraryOf(generation)).at(which) as string));

test('Debian 12\'s announces 4:4, insists on it, and has a table of 16', async () => {
  expect(await image('bookworm', -1)).toEqual({ role: 'client', protocol: spoken(4), adapts: false, slots: 16 });
});

test('Debian 13\'s announces 4:5, insists on it, and has a table of 16', async () => {
  expect(await image('trixie', -1)).toEqual({ role: 'client', protocol: spoken(5), adapts: false, slots: 16 });
});

test('sid\'s announces 4:6, adapts, and learns the size of the table', async () => {
  expect(await image('sid', -1)).toEqual({ role: 'client', protocol: spoken(6), adapts: true, slots: null });
});

test('the redirector before them says nothing about a protocol', async () => {
  expect(await image('trixie', -2)).toEqual({ role: 'redirector', protocol: null, adapts: null, slots: null });
});

test('any other file is no part of libpcsclite', () => {
  expect(readLibraryImage(readFileSync('/bin/sh'))).toBeNull();
  expect(readLibraryImage(Buffer.alloc(0))).toBeNull();
});

test('a file that was cut or damaged never ends in an exception, nor in a version that does not exist', async () => {
  const { bytes } = await installed();
  fc.assert(
    fc.property(fc.nat(bytes.length), fc.array(fc.tuple(fc.nat(4096), fc.nat(255)), { maxLength: 20 }), (length, damage) => {
      const damaged = Buffer.from(bytes.subarray(0, length));
      for (const [at, value] of damage) if (at < damaged.length) damaged[at] = value;
      const minor = readLibraryImage(damaged)?.protocol?.minor;
      expect(minor === undefined || (minor >= 2 && minor <= 9)).toBe(true);
    }),
  );
});
