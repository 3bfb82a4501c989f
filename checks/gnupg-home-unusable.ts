import { defineCheck } from '../src/check.ts';
import type { Remedy } from '../src/report/schema.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import type { Fact, FactValue, Gnupg, Host } from '../src/snapshot/schema.ts';
import { setAside } from './remedies.ts';
import { asRoot, quote } from './shell.ts';

/** Bytes of sun_path without the closing zero (unix(7)). */
const MAX_SOCKET_PATH = 107;

export default defineCheck({
  code: 'CC209',
  needs: ['gnupg'],
  wants: ['gnupgHome', 'host'],
  about: ['gnupg'],
  check({ gnupg, gnupgHome, host }) {
    const home = valueOf(gnupgHome);
    const fault = socketFault(gnupg) ?? (home === undefined ? null : (homeFault(home, gnupg.uid, host) ?? fileFault(home, host)));
    if (fault === null) return [];
    return [
      {
        severity: 'error',
        subject: { kind: 'file', name: gnupg.homeDir },
        data: { home: gnupg.homeDir, says: fault.says },
        certainty: 'proven',
        evidence: [fault.evidence],
        remedies: [fault.remedy],
      },
    ];
  },
});

interface Fault {
  says: string;
  evidence: string;
  remedy: Remedy;
}

function socketFault({ agentSocket, homeDir }: Gnupg): Fault | null {
  const bytes = agentSocket === null ? 0 : utf8Length(agentSocket);
  if (bytes <= MAX_SOCKET_PATH) return null;
  return {
    says: `the path of gpg-agent's socket has ${bytes} bytes, and a socket's may have ${MAX_SOCKET_PATH}`,
    evidence: `gpgconf names ${agentSocket}.`,
    remedy: { title: 'Use a home directory with a shorter path', kind: 'lasting', commands: [`ln -s ${quote(homeDir)} /tmp/gnupg-home`, 'export GNUPGHOME=/tmp/gnupg-home'], edits: [], price: 'GNUPGHOME must be set wherever gpg runs; /tmp is emptied at boot.' },
  };
}

const utf8Length = (text: string): number => new TextEncoder().encode(text).length;

function homeFault({ path, kind, uid, usable }: FactValue<'gnupgHome'>, owner: number, host: Fact<Host>): Fault | null {
  if (usable !== false) return null;
  const make: Remedy = { title: 'Set GNUPGHOME to a directory of this user', kind: 'lasting', commands: ['mkdir -p -m 700 "$HOME/.gnupg"', 'export GNUPGHOME="$HOME/.gnupg"'], edits: [], price: null };
  if (kind === 'missing') return { says: 'it does not exist and cannot be made', evidence: `There is no ${path}, and nothing may be made in its place.`, remedy: make };
  if (kind === 'other') return { says: 'it is no directory', evidence: `${path} is no directory.`, remedy: make };
  if (uid === null || uid === owner) {
    const open: Remedy = { title: 'Open the directory to its owner', kind: 'now', commands: [`chmod u+rwx ${quote(path)}`], edits: [], price: null };
    return { says: 'its own user may not write in it', evidence: `${path} is closed to uid ${owner}, whose it is, or on a read-only file system.`, remedy: open };
  }
  const give: Remedy = { title: 'Give the directory back to its user', kind: 'lasting', commands: [asRoot(host, `chown -R ${owner} ${quote(path)}`)], edits: [], price: null };
  return { says: `it belongs to uid ${uid}, and uid ${owner} may not write in it`, evidence: `${path} belongs to uid ${uid}.`, remedy: give };
}

/** gpg and gpg-agent read their option files before anything else. */
function fileFault({ path, obstacles }: FactValue<'gnupgHome'>, host: Fact<Host>): Fault | null {
  const [first] = obstacles.filter(({ endless }) => endless);
  if (first === undefined) return null;
  const isOwn = first.file.startsWith(`${path}/`);
  const name = first.file.slice(first.file.lastIndexOf('/') + 1);
  return {
    says: `${isOwn ? `${name} in it` : first.file} is read by ${name.replace(/\.conf$/, '')} first, which never gets past it: ${first.says}`,
    evidence: `${first.file}: ${first.says}.`,
    remedy: setAside(first.file, !isOwn, host),
  };
}
