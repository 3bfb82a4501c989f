import { readdir } from 'node:fs/promises';
import type { Inmate, Namespace } from './namespace.ts';
import { PcscdClient, type ReaderRow } from './pcscd-client.ts';
import { until } from './until.ts';

export const pcscdSocket = '/run/pcscd/pcscd.comm';

/** The pcscd of a rig. */
export class PrivatePcscd {
  readonly #namespace: Namespace;
  readonly #command: readonly [string, ...string[]];
  #inmate: Inmate | null = null;
  #log: () => string = () => '';

  /** @param command program and arguments */
  constructor(namespace: Namespace, command: readonly [string, ...string[]]) {
    this.#namespace = namespace;
    this.#command = command;
  }

  /** As seen from outside; 0 while it does not run. */
  get pid(): number {
    return this.#inmate?.pid ?? 0;
  }
  get insidePid(): number {
    return this.#inmate?.insidePid ?? 0;
  }
  /** Everything it said since its last start. */
  get log(): string {
    return this.#log();
  }

  /** Starts it and waits until it listens. @throws Error with its own words when it ends instead */
  async start(): Promise<void> {
    const [program, ...args] = this.#command;
    const inmate = await this.#namespace.spawn(program, args, { cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] });
    this.#inmate = inmate;
    this.#log = () => inmate.said.stdout() + inmate.said.stderr();
    let ended = false;
    void inmate.exited.then(() => {
      ended = true;
      if (this.#inmate === inmate) this.#inmate = null;
    });
    await until('pcscd listens', async () => {
      if (ended) throw new Error(`pcscd ended at once: ${this.log.trim()}`);
      return this.readers().then(
        () => true,
        () => false,
      );
    });
  }

  /** Its reader table. @throws Error when it does not answer */
  async readers(): Promise<ReaderRow[]> {
    const client = new PcscdClient(this.#namespace.path(pcscdSocket));
    try {
      return await client.readers();
    } finally {
      client.close();
    }
  }

  /** Waits until the reader table is as wanted. @throws Error after 10 s */
  async untilReaders(description: string, wanted: (rows: ReaderRow[]) => boolean): Promise<ReaderRow[]> {
    let rows: ReaderRow[] = [];
    await until(description, async () => wanted((rows = await this.readers())));
    return rows;
  }

  /** Ends it in good order; its socket and pid file go with it. */
  stop(): Promise<void> {
    return this.kill('SIGTERM');
  }

  /** With SIGKILL its socket file stays behind, and nobody listens there. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const inmate = this.#inmate;
    inmate?.kill(signal);
    await inmate?.exited;
  }

  /** Number of its threads. */
  async threads(): Promise<number> {
    return (await readdir(`/proc/${this.pid}/task`)).length;
  }
  /** Number of its open files. */
  async fds(): Promise<number> {
    return (await readdir(`/proc/${this.pid}/fd`)).length;
  }
}
