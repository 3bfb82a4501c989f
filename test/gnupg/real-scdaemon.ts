import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What the installed scdaemon and gpgconf say of two option files. */
export interface Answer {
  /** Rejected lines as `global:3 invalid option`, `user:1 missing argument`. */
  rejected: string[];
  /** Values in force as gpgconf sees them; from 2.3 on a rejected line is fatal, and this is what the other lines set. */
  values: Record<string, string>;
}

interface Files {
  global: string | null;
  user: string | null;
}

export interface RealScdaemon {
  optionTable: string;
  /** Writes the files (null: none) and asks; no daemon is started and no card touched. */
  judge(files: Files): Answer;
  remove(): void;
}

/**
 * The machine's own scdaemon in a relocated installation: a `gpgconf.ctl` beside a copy of the program gives it a
 * system folder of ours, so that global files can be tried without touching /etc (GnuPG common/homedir.c).
 */
export function relocateScdaemon(): RealScdaemon {
  const components = execFileSync('gpgconf', ['--list-components'], { encoding: 'utf8' });
  const scdaemon = /^scdaemon:[^:]*:(.+)$/m.exec(components)?.[1] as string;
  const root = mkdtempSync(join(tmpdir(), 'gnupg-'));
  const [bin, libexec, sysconf, home] = ['bin', 'libexec', 'etc', 'home'].map((name) => join(root, name)) as [string, string, string, string];
  for (const folder of [bin, libexec, sysconf, home]) mkdirSync(folder, { mode: 0o700 });
  copyFileSync(scdaemon, join(bin, 'scdaemon'));
  copyFileSync(execFileSync('sh', ['-c', 'command -v gpgconf'], { encoding: 'utf8' }).trim(), join(bin, 'gpgconf'));
  writeFileSync(join(bin, 'gpgconf.ctl'), `rootdir = ${root}\nsysconfdir = ${sysconf}\n`);
  symlinkSync(join(bin, 'scdaemon'), join(libexec, 'scdaemon'));
  const files = { global: join(sysconf, 'scdaemon.conf'), user: join(home, 'scdaemon.conf') };
  const env = { ...process.env, LC_ALL: 'C', GNUPGHOME: home };
  const write = (given: Files) => {
    for (const name of ['global', 'user'] as const) {
      const content = given[name];
      if (content === null) rmSync(files[name], { force: true });
      else writeFileSync(files[name], content);
    }
  };
  const ask = (program: string, ...args: string[]) => spawnSync(join(bin, program), ['--homedir', home, ...args], { env, encoding: 'utf8' });
  return {
    optionTable: ask('scdaemon', '--dump-option-table').stdout,
    judge(given) {
      write(given);
      const rejected = [...ask('scdaemon', '--gpgconf-test').stderr.matchAll(/^(?:scdaemon\[\d+\]: )?(\/[^\n]*\/scdaemon\.conf):(\d+): ([^\n]*)$/gm)]
        .filter((match) => MESSAGES.has(match[3] as string))
        .map((match) => ({ name: match[1] === files.global ? ('global' as const) : ('user' as const), line: Number(match[2]), message: match[3] as string }));
      const whole = ask('gpgconf', '--list-options', 'scdaemon');
      // gpgconf asks scdaemon, and a scdaemon that refuses a line tells it nothing.
      if (whole.status !== 0) write({ global: without('global'), user: without('user') });
      const { stdout } = whole.status === 0 ? whole : ask('gpgconf', '--list-options', 'scdaemon');
      const rows = stdout.split('\n').map((line) => line.split(':'));
      return {
        rejected: rejected.map(({ name, line, message }) => `${name}:${line} ${message}`),
        values: Object.fromEntries(rows.filter((row) => (row[9] ?? '') !== '').map((row) => [row[0], row[9] as string])),
      };

      function without(name: keyof Files): string | null {
        const wrong = new Set(rejected.filter((each) => each.name === name).map(({ line }) => line));
        return given[name]?.split('\n').filter((_, index) => !wrong.has(index + 1)).join('\n') ?? null;
      }
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** Lines with these words are errors; gpgrt prints its remarks ("not in a conditional block") in the same form. */
const MESSAGES = new Set([
  'invalid option',
  'argument not expected',
  'missing argument',
  'invalid argument',
  'keyword too long',
  'invalid alias definition',
  'invalid meta command',
  'unknown meta command',
  'unexpected meta command',
]);
