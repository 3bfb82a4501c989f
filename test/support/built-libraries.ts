/** libpcsclite as somebody builds it by hand: upstream's source as Debian keeps it, with other options than Debian's. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cache, ownApt } from './debian-packages.ts';

const run = promisify(execFile);

interface Build {
  /** Entries of the reader table; upstream's number is 16, Fedora's 48 (its pcsc-lite-maxreaders.patch). */
  slots: number;
  /** Folder in which it looks for pcscd's socket. */
  ipcDir: string;
}

const builds = {
  'for-48-readers': { slots: 48, ipcDir: '/run/pcscd' },
  // What --prefix=/usr/local comes to where the folder of the socket is derived from it.
  'of-usr-local': { slots: 16, ipcDir: '/usr/local/var/run/pcscd' },
} as const satisfies Record<string, Build>;
export type BuiltLibrary = keyof typeof builds;

/** Debian 12's, which speaks 4:4 and has its table in the file. */
const SUITE = 'bookworm';

/** The library has no parser of its own, so that no lex is needed; configure insists on one. */
const WITHOUT_LEX = { LEX: 'true', ac_cv_prog_lex_root: 'lex.yy', ac_cv_lib_lex: 'none needed', ac_cv_prog_lex_yytext_pointer: 'no' };
const WITHOUT_DAEMON = ['--disable-libsystemd', '--disable-libudev', '--disable-libusb', '--disable-static'];

/**
 * The file of that library; builds it when it is not there yet.
 * @throws Error when apt cannot fetch the source, or it cannot be compiled
 */
export async function builtLibrary(name: BuiltLibrary): Promise<string> {
  const folder = join(cache, `libpcsclite-${name}`);
  if (!existsSync(folder)) await build(folder, builds[name]);
  return join(folder, 'libpcsclite.so.1');
}

async function build(folder: string, { slots, ipcDir }: Build): Promise<void> {
  const making = `${folder}.${process.pid}`;
  try {
    const source = await fetchSource(making);
    const header = join(source, 'src/PCSC/pcsclite.h.in');
    await writeFile(header, (await readFile(header, 'utf8')).replace(/(#define PCSCLITE_MAX_READERS_CONTEXTS\s+)\d+/, `$1${slots}`));
    await run('./configure', [...WITHOUT_DAEMON, `--enable-ipcdir=${ipcDir}`], { cwd: source, env: { ...process.env, ...WITHOUT_LEX } });
    await run('make', ['libpcsclite.la'], { cwd: join(source, 'src') });
    const made = join(making, 'made');
    await mkdir(made);
    await rename(join(source, 'src/.libs/libpcsclite.so.1.0.0'), join(made, 'libpcsclite.so.1'));
    await rename(made, folder);
  } finally {
    await rm(making, { recursive: true, force: true });
  }
}

/** @returns the unpacked source's folder */
async function fetchSource(making: string): Promise<string> {
  const options = await ownApt(join(making, 'apt'), { suite: SUITE, source: true });
  await run('apt-get', [...options, '-qq', '--download-only', 'source', 'pcsc-lite'], { cwd: making });
  const archive = (await readdir(making)).find((file) => /\.orig\.tar\.\w+$/.test(file)) as string;
  await run('tar', ['--extract', '--file', archive], { cwd: making });
  return join(making, (await readdir(making)).find((file) => /^pcsc-lite-[\d.]+$/.test(file)) as string);
}
