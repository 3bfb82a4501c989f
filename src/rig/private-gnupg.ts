import { type As, type EnterOptions, type Namespace, rigFolder, type RunResult } from './namespace.ts';
import { until } from './until.ts';

export interface GnupgOptions {
  as?: As;
  /** Lines of scdaemon.conf; default none, which is what most machines have. */
  scdaemonConf?: readonly string[];
}

/** The GnuPG home of root's or the user's inside, at its default place, with real gpg-agent and scdaemon. */
export class PrivateGnupg {
  readonly #namespace: Namespace;
  readonly home: string;
  readonly #as: As;

  private constructor(namespace: Namespace, as: As) {
    this.#namespace = namespace;
    this.#as = as;
    this.home = `${rigFolder}/home/${as}/.gnupg`;
  }

  static async create(namespace: Namespace, options: GnupgOptions): Promise<PrivateGnupg> {
    const gnupg = new PrivateGnupg(namespace, options.as ?? 'root');
    await gnupg.run('mkdir', ['-p', '-m', '700', gnupg.home]);
    await gnupg.run('sh', ['-c', 'cat > "$0"', `${gnupg.home}/scdaemon.conf`], lines(options.scdaemonConf ?? []));
    return gnupg;
  }

  /** Runs gpg, in English. Starts gpg-agent and scdaemon as gpg itself does. */
  gpg(...args: string[]): Promise<RunResult> {
    return this.run('gpg', ['--batch', '--no-tty', ...args]);
  }

  /** Replaces scdaemon.conf; a running scdaemon does not notice. */
  async configure(scdaemonConf: readonly string[]): Promise<void> {
    await this.run('sh', ['-c', 'cat > "$0"', `${this.home}/scdaemon.conf`], lines(scdaemonConf));
  }

  /**
   * Ends scdaemon; the next use starts a new one. Waits until gpg-agent has taken notice, which it does at its next
   * tick, up to 4 s later; until then gpg gets "Broken pipe" (seen with 2.2.40).
   */
  async killScdaemon(): Promise<void> {
    await this.run('gpgconf', ['--kill', 'scdaemon']);
    await until('scdaemon is gone', async () => (await this.scdaemonPids()).length === 0);
  }

  /** Ids, as seen inside, of the scdaemons there, the dead that gpg-agent has not buried yet included. */
  async scdaemonPids(): Promise<number[]> {
    const { stdout } = await this.run('sh', ['-c', 'for p in /proc/[0-9]*; do [ "$(cat $p/comm 2>/dev/null)" = scdaemon ] && echo ${p#/proc/}; done; true']);
    return stdout.split('\n').filter(Boolean).map(Number);
  }

  /** Runs a program as the user whose home this is. */
  run(command: string, args: readonly string[], input?: string): Promise<RunResult> {
    const options: EnterOptions = { as: this.#as, env: { LC_ALL: 'C' }, cwd: '/' };
    return this.#namespace.run(command, args, input === undefined ? options : { ...options, input });
  }
}

function lines(text: readonly string[]): string {
  return text.map((line) => `${line}\n`).join('');
}
