import type { ChildProcess } from 'node:child_process';

/** Requests to a process inside and their answers, in order, over the channel that spawn's stdio 'ipc' opens. */
interface Request {
  id: number;
  method: string;
  args: unknown[];
}
interface Answer {
  id: number;
  value?: unknown;
  error?: string;
}

/** A method of the process inside that may be called from outside. Arguments and result must survive JSON. */
export type Method = (...args: never[]) => unknown;

/** Answers requests in this process until the other end is gone, then ends this process. */
export function serve(methods: Record<string, Method>): void {
  process.on('disconnect', () => process.exit(0));
  process.on('message', (request: Request) => {
    const method = methods[request.method];
    // Started at once, not after the previous one: a request that blocks must not keep the next from being heard.
    Promise.resolve()
      .then(() => method?.(...(request.args as never[])))
      .then(
        (value) => process.send?.({ id: request.id, value: value ?? null } satisfies Answer),
        (error: unknown) => process.send?.({ id: request.id, error: String(error instanceof Error ? error.message : error) } satisfies Answer),
      );
  });
}

/** The near end: turns a call into a request and waits for its answer. */
export class Channel {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  #next = 0;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (answer: Answer) => {
      const call = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if (answer.error === undefined) call?.resolve(answer.value);
      else call?.reject(new Error(answer.error));
    });
    const abandon = (): void => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the process inside has ended'));
      this.#waiting.clear();
    };
    child.on('disconnect', abandon);
    child.on('exit', abandon);
  }

  /** @throws Error with the message of the far end, or when that has ended */
  call<T>(method: string, ...args: unknown[]): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const id = this.#next++;
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      if (!this.#child.connected) {
        this.#waiting.delete(id);
        return reject(new Error('the process inside has ended'));
      }
      this.#child.send({ id, method, args } satisfies Request, (error) => {
        if (error !== null) reject(error);
      });
    });
  }
}
