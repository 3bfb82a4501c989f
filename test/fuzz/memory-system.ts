/** A machine of files in memory, for as many machines a second as possible: the fixture roots, read once, with changes. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FixtureMachine } from '../../src/system/fixture.ts';
import { type FileStat, type System, SystemError } from '../../src/system/port.ts';

export interface Tree {
  /** Contents by absolute path. */
  files: ReadonlyMap<string, Buffer>;
  /** Targets by absolute path. */
  links: ReadonlyMap<string, string>;
  machine: FixtureMachine;
}

const roots = fileURLToPath(new URL('../../fixtures/roots/', import.meta.url));

/** Every fixture root by name. */
export const trees: ReadonlyMap<string, Tree> = new Map(readdirSync(roots).map((name) => [name, readTree(join(roots, name))]));

function readTree(root: string): Tree {
  const files = new Map<string, Buffer>();
  const links = new Map<string, string>();
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const place = join(entry.parentPath, entry.name);
    const path = place.slice(root.length);
    if (entry.isSymbolicLink()) links.set(path, readlinkSync(place));
    else if (entry.isFile()) files.set(path, readFileSync(place));
  }
  return { files, links, machine: JSON.parse(files.get('/machine.json')?.toString() ?? '{}') as FixtureMachine };
}

/** Links to follow before a path counts as a loop. */
const MAX_LINKS = 40;

export function memorySystem({ files, links, machine }: Tree): System {
  const folders = new Map<string, Set<string>>();
  for (const path of [...files.keys(), ...links.keys(), ...Object.keys(machine.stat ?? {})]) {
    for (let at = path; at !== '/'; at = posix.dirname(at)) {
      const names = folders.get(posix.dirname(at));
      if (names === undefined) folders.set(posix.dirname(at), new Set([posix.basename(at)]));
      else names.add(posix.basename(at));
    }
  }
  const resolve = (path: string): string => {
    let done = '/';
    let followed = 0;
    const rest = posix.normalize(path).split('/').filter(Boolean);
    while (rest.length > 0) {
      const next = posix.join(done, rest.shift() as string);
      const target = links.get(next);
      if (target === undefined) {
        done = next;
        continue;
      }
      if (++followed > MAX_LINKS) throw new SystemError('ELOOP', path);
      rest.unshift(...target.split('/').filter(Boolean));
      if (target.startsWith('/')) done = '/';
    }
    return done;
  };
  const bytesOf = (path: string): Buffer => {
    const bytes = files.get(resolve(path));
    if (bytes === undefined) throw new SystemError(folders.has(resolve(path)) ? 'EISDIR' : 'ENOENT', path);
    return bytes;
  };
  const stat = async (path: string): Promise<FileStat> => {
    const resolved = resolve(path);
    const { mtime, ...given } = machine.stat?.[resolved] ?? {};
    const bytes = files.get(resolved);
    if (bytes === undefined && !folders.has(resolved) && machine.stat?.[resolved] === undefined) throw new SystemError('ENOENT', path);
    const kind = bytes === undefined && folders.has(resolved) ? 'directory' : 'file';
    return { kind, mode: 0o644, uid: 0, gid: 0, size: bytes?.length ?? 0, mtimeMs: mtime === undefined ? 0 : Date.parse(mtime), inode: 0, ...given };
  };
  const uid = machine.uid ?? 1000;
  const gid = machine.gid ?? uid;
  return {
    platform: machine.platform ?? 'linux',
    uid,
    gid,
    groups: machine.groups ?? [gid],
    pid: machine.pid ?? 1,
    live: false,
    env: (name) => machine.env?.[name],
    now: () => Date.parse(machine.now ?? '2026-01-01T00:00:00Z'),
    readFile: async (path, limit = 1024 * 1024) => bytesOf(path).subarray(0, limit).toString('utf8'),
    readBytes: async (path, offset, length) => Buffer.from(bytesOf(path).subarray(offset, offset + length)),
    readDir: async (path) => {
      const names = folders.get(resolve(path));
      if (names === undefined) throw new SystemError(files.has(resolve(path)) ? 'ENOTDIR' : 'ENOENT', path);
      return [...names].sort();
    },
    readLink: async (path) => {
      const target = links.get(posix.join(resolve(posix.dirname(path)), posix.basename(path)));
      if (target === undefined) throw new SystemError('EINVAL', path);
      return target;
    },
    realPath: async (path) => {
      await stat(path);
      return resolve(path);
    },
    stat,
    access: async (path, mode) => {
      const file = await stat(path);
      return mode === 'read' || uid === 0 || (file.mode & 0o002) !== 0;
    },
    run: async (program, args) => {
      const answer = machine.commands?.[[program, ...args].join(' ')];
      if (answer === undefined) throw new SystemError('ENOENT', program);
      if (answer.error !== undefined) throw new SystemError(answer.error, program);
      return { exitCode: answer.exitCode ?? 0, stdout: answer.stdout ?? '', stderr: answer.stderr ?? '' };
    },
  };
}
