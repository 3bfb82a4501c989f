import { constants } from 'node:fs';
import * as fs from 'node:fs/promises';
import { join, posix } from 'node:path';
import { type FileStat, type RunResult, type System, SystemError } from './port.ts';
import { fileStat, realSystem } from './real.ts';

/**
 * `machine.json` beside the tree of a fixture root: what files in a git checkout cannot carry.
 * Every field has a default that describes an unprivileged user (uid 1000) on Linux.
 */
export interface FixtureMachine {
  platform?: 'linux' | 'darwin';
  uid?: number;
  gid?: number;
  groups?: number[];
  pid?: number;
  env?: Record<string, string>;
  /** ISO 8601; what the clock says. */
  now?: string;
  /** Replaces or makes up the stat of a path: sockets, device nodes, owners, modes, times. */
  stat?: Record<string, Partial<FileStat> & { mtime?: string }>;
  /** Answers of commands, by the whole command line: `{"gpgconf --list-dirs": {"stdout": "…"}}`. Others are not found. */
  commands?: Record<string, Partial<RunResult> & { error?: string }>;
}

/** Symbolic links to follow before a path counts as a loop; the kernel's own limit (MAXSYMLINKS). */
const MAX_LINKS = 40;

/**
 * A machine made of a folder: `<root>/machine.json` and the tree `<root>/{etc,proc,sys,usr,…}`.
 * @param root path of the folder on this machine
 */
export async function fixtureSystem(root: string): Promise<System> {
  const real = realSystem();
  const machine: FixtureMachine = JSON.parse(
    await fs.readFile(join(root, 'machine.json'), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '{}';
      throw error;
    }),
  );
  const uid = machine.uid ?? 1000;
  const gid = machine.gid ?? uid;
  const groups = machine.groups ?? [gid];

  /** The path with its links resolved inside the root, so that a link to /etc/x stays in the tree. */
  async function resolve(path: string): Promise<string> {
    let links = 0;
    let done = '/';
    const rest = posix.normalize(path).split('/').filter(Boolean);
    while (rest.length > 0) {
      const name = rest.shift() as string;
      if (name === '..') {
        done = posix.dirname(done);
        continue;
      }
      const next = posix.join(done, name);
      const target = await fs.readlink(join(root, next)).catch(() => null);
      if (target === null) {
        done = next;
        continue;
      }
      if (++links > MAX_LINKS) throw new SystemError('ELOOP', path);
      rest.unshift(...target.split('/').filter(Boolean));
      if (target.startsWith('/')) done = '/';
    }
    return done;
  }

  async function stat(path: string): Promise<FileStat> {
    const resolved = await resolve(path);
    const given = machine.stat?.[resolved];
    const found = await fs.stat(join(root, resolved)).catch(() => null);
    if (given === undefined && found === null) throw new SystemError('ENOENT', path);
    const base: FileStat =
      found === null
        ? { kind: 'file', mode: 0o644, uid: 0, gid: 0, size: 0, mtimeMs: 0, inode: 0 }
        : // A checkout's owner and times say nothing about the machine that is described.
          { ...fileStat(found), uid: 0, gid: 0, mtimeMs: 0, inode: 0 };
    const { mtime, ...rest } = given ?? {};
    return { ...base, ...(mtime === undefined ? {} : { mtimeMs: Date.parse(mtime) }), ...rest };
  }

  function mayAccess(file: FileStat, bit: number): boolean {
    if (uid === 0) return true;
    if (file.uid === uid) return (file.mode & (bit << 6)) !== 0;
    if (file.gid === gid || groups.includes(file.gid)) return (file.mode & (bit << 3)) !== 0;
    return (file.mode & bit) !== 0;
  }

  async function access(path: string, mode: 'read' | 'write' | 'read-write'): Promise<boolean> {
    const file = await stat(path);
    return (mode === 'write' || mayAccess(file, constants.R_OK)) && (mode === 'read' || mayAccess(file, constants.W_OK));
  }

  /** The place of a readable path on this machine. */
  async function open(path: string): Promise<string> {
    const resolved = await resolve(path);
    if (machine.stat?.[resolved] !== undefined && !(await access(resolved, 'read'))) throw new SystemError('EACCES', path);
    return join(root, resolved);
  }

  /** Errors must name the path of the described machine, never the checkout's. */
  async function inside<T>(path: string, work: (place: string) => Promise<T>): Promise<T> {
    const place = await open(path);
    try {
      return await work(place);
    } catch (error) {
      throw new SystemError(error instanceof SystemError ? error.code : 'EIO', path);
    }
  }

  return {
    platform: machine.platform ?? 'linux',
    uid,
    gid,
    groups,
    pid: machine.pid ?? 1,
    live: false,
    env: (name) => machine.env?.[name],
    now: () => Date.parse(machine.now ?? '2026-01-01T00:00:00Z'),
    readFile: (path, limit) => inside(path, (place) => real.readFile(place, limit)),
    readBytes: (path, offset, length) => inside(path, (place) => real.readBytes(place, offset, length)),
    readDir: (path) => inside(path, (place) => real.readDir(place)),
    readLink: async (path) => {
      const parent = await resolve(posix.dirname(path));
      return inside(parent, (place) => real.readLink(join(place, posix.basename(path))));
    },
    realPath: async (path) => {
      await stat(path);
      return resolve(path);
    },
    stat,
    access,
    run: async (program, args) => {
      const answer = machine.commands?.[[program, ...args].join(' ')];
      if (answer === undefined) throw new SystemError('ENOENT', program);
      if (answer.error !== undefined) throw new SystemError(answer.error, program);
      return { exitCode: answer.exitCode ?? 0, stdout: answer.stdout ?? '', stderr: answer.stderr ?? '' };
    },
  };
}
