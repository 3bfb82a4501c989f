/** Versions of libpcsclite: its own file is called libpcsclite.so.1.0.0 in every version. */
import type { System } from '../system/port.ts';

const FILE_LIMIT = 64 * 1024;

/** The number without epoch and revision of a package: 2:1.9.9-2 is 1.9.9. */
const upstreamVersion = (text: string | undefined): string | null => /^(?:\d+:)?(\d+(?:\.\d+)+)/.exec(text ?? '')?.[1] ?? null;

/** Version of the pkg-config file beside the library, which only development packages and hand-built copies have. */
export async function readPkgConfig(system: System, dir: string): Promise<string | null> {
  const text = await system.readFile(`${dir}/pkgconfig/libpcsclite.pc`, FILE_LIMIT).catch(() => '');
  return upstreamVersion(/^Version: *(\S+)/m.exec(text)?.[1]);
}

/** Version of the distribution's package, from the databases that can be read without running a program. */
export async function readPackageVersion(system: System): Promise<string | null> {
  return (
    (await readListedVersion(system, '/var/lib/dpkg/status', '\nPackage: libpcsclite1\n', /^Version: (\S+)/m)) ??
    (await readListedVersion(system, '/lib/apk/db/installed', '\nP:pcsc-lite-libs\n', /^V:(\S+)/m)) ??
    (await readPacmanVersion(system))
  );
}

/** Bytes: of one step through a database, of an entry, and of a database at most. */
const STEP = 512 * 1024;
const ENTRY_LIMIT = 8 * 1024;
const DATABASE_LIMIT = 32 * 1024 * 1024;

/** Searches a database of paragraphs for one entry, step by step, so that no more than needed is read. */
async function readListedVersion(system: System, path: string, heading: string, version: RegExp): Promise<string | null> {
  for (let offset = 0; offset < DATABASE_LIMIT; offset += STEP) {
    // The steps overlap by an entry. The first heading has no line before it.
    const bytes = await system.readBytes(path, offset, STEP + ENTRY_LIMIT).catch(() => Buffer.alloc(0));
    const at = bytes.indexOf(heading);
    if (at !== -1) return upstreamVersion(version.exec(bytes.toString('utf8', at + 1, at + ENTRY_LIMIT).split('\n\n', 1)[0] ?? '')?.[1]);
    if (offset === 0 && bytes.indexOf(heading.slice(1)) === 0) return upstreamVersion(version.exec(bytes.toString('utf8', 0, ENTRY_LIMIT).split('\n\n', 1)[0] ?? '')?.[1]);
    if (bytes.length < STEP) return null;
  }
  return null;
}

async function readPacmanVersion(system: System): Promise<string | null> {
  const entries = await system.readDir('/var/lib/pacman/local').catch(() => []);
  return upstreamVersion(entries.find((name) => /^pcsclite-\d/.test(name))?.slice('pcsclite-'.length));
}
