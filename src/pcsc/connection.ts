import { connect, type Socket } from 'node:net';
import { absent, denied, failed, timedOut } from '../snapshot/fact.ts';
import type { Fact, ProbeOutcome } from '../snapshot/schema.ts';
import { countAnswered, countSent, readsOf } from './own-reads.ts';
import { type Command, request, type Struct } from './protocol.ts';

/**
 * How talking to the socket failed.
 * missing: no such file · refused: nobody listens · forbidden: file or directory mode, AppArmor, SELinux ·
 * dropped: closed before a single answer · closed: closed in the middle · silent: no answer in time ·
 * garbage: what answered is not pcscd · mismatch: it refused every protocol version · unreachable: anything else, with its errno
 */
export type FailureKind = 'missing' | 'refused' | 'forbidden' | 'dropped' | 'closed' | 'silent' | 'garbage' | 'mismatch' | 'unreachable';

/** A conversation with pcscd that came to nothing. */
export class PcscdFailure extends Error {
  readonly kind: FailureKind;
  /** For `silent`: how long was waited, in ms. */
  readonly afterMs: number;
  constructor(kind: FailureKind, message: string, afterMs = 0) {
    super(message);
    this.name = 'PcscdFailure';
    this.kind = kind;
    this.afterMs = afterMs;
  }

  /** The failure as a fact; those that are `failed` begin with a stable word and a colon. */
  toFact(): Fact<never> {
    return failures[this.kind].fact(this);
  }
  /** The failure as the outcome of a connect. */
  get outcome(): ProbeOutcome {
    return failures[this.kind].outcome;
  }
}

const failures: Readonly<Record<FailureKind, { outcome: ProbeOutcome; fact: (failure: PcscdFailure) => Fact<never> }>> = {
  missing: { outcome: 'no-service', fact: ({ message }) => absent(message) },
  refused: { outcome: 'no-service', fact: ({ message }) => absent(message) },
  forbidden: { outcome: 'access-denied', fact: ({ message }) => denied(message) },
  dropped: { outcome: 'access-denied', fact: ({ message }) => failed(`connection-dropped: ${message}`) },
  closed: { outcome: 'error', fact: ({ message }) => failed(`connection-closed: ${message}`) },
  silent: { outcome: 'blocked', fact: ({ afterMs }) => timedOut(afterMs) },
  garbage: { outcome: 'error', fact: ({ message }) => failed(`not-pcscd: ${message}`) },
  mismatch: { outcome: 'protocol-mismatch', fact: ({ message }) => failed(`protocol-mismatch: ${message}`) },
  unreachable: { outcome: 'no-service', fact: ({ message }) => failed(`unreachable: ${message}`) },
};

const tooLong = (path: string) => new PcscdFailure('missing', `${path} is longer than a path may be`);

/** What an errno of connect(2) means here. */
const connectFailures: Readonly<Record<string, (path: string) => PcscdFailure>> = {
  ENOENT: (path) => new PcscdFailure('missing', `${path} does not exist`),
  ENOTDIR: (path) => new PcscdFailure('missing', `${path} does not exist`),
  ELOOP: (path) => new PcscdFailure('missing', `${path} is a symbolic link that leads nowhere`),
  ENAMETOOLONG: tooLong,
  // Of a Unix socket's path: Node 20 cuts a longer one, Node 24 refuses it so.
  EINVAL: tooLong,
  ECONNREFUSED: (path) => new PcscdFailure('refused', `nobody listens on ${path} (ECONNREFUSED)`),
  EACCES: (path) => new PcscdFailure('forbidden', `permission to connect to ${path} (EACCES)`),
  EPERM: (path) => new PcscdFailure('forbidden', `permission to connect to ${path} (EPERM)`),
};

const QUEUE_FULL_RETRY_MS = 5;

/**
 * One connection to pcscd, i.e. one context. Calls are made one after the other. It has no deadlines of its own:
 * who sets one closes the connection when it passes, which ends the call under way.
 */
export class PcscdConnection {
  readonly #path: string;
  #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #isConnected = false;
  #isClosed = false;
  #answered = false;
  #failure: PcscdFailure | null = null;
  #progress: () => void = () => {};
  #settle: () => void = () => {};
  readonly #connected = new Promise<void>((resolve) => (this.#settle = resolve));

  /** Begins to connect. This wakes a pcscd that sleeps behind a socket unit. */
  constructor(path: string) {
    this.#path = path;
    this.#socket = this.#connect();
  }

  #connect(): Socket {
    const socket = connect({ path: this.#path });
    let isQueueFull = false;
    socket.once('connect', () => {
      this.#isConnected = true;
      this.#settle();
    });
    socket.on('data', (chunk) => {
      this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
      this.#progress();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      isQueueFull = error.code === 'EAGAIN';
      if (!isQueueFull) this.#fail(error.code ?? error.message);
    });
    socket.on('close', () => {
      if (isQueueFull) setTimeout(() => this.#connectAgain(), QUEUE_FULL_RETRY_MS);
      else this.#end();
    });
    return socket;
  }

  /**
   * pcscd lets one connection wait and no more (pcsc-lite winscard_msg_srv.c, listen). A connect that does not block
   * then fails with EAGAIN where libpcsclite, which blocks, simply waits its turn.
   */
  #connectAgain(): void {
    if (this.#isClosed) this.#end();
    else this.#socket = this.#connect();
  }

  #end(): void {
    this.#fail('EOF');
    this.#settle();
  }

  /**
   * Writes a message and waits until `lengthOf` recognises the whole answer.
   * @param lengthOf bytes of the answer, or null while it is not complete
   * @param limit bytes after which an answer that is not complete is taken for garbage
   * @throws PcscdFailure
   */
  async exchange(message: Buffer, lengthOf: (received: Buffer) => number | null, limit: number): Promise<Buffer> {
    await this.#connected;
    if (this.#failure !== null) throw this.#failure;
    if (this.#received.length > 0) throw this.#garbage('spoke without being asked');
    const reads = readsOf(message);
    countSent(reads);
    this.#socket.write(message);
    return new Promise((resolve, reject) => {
      this.#progress = () => {
        const length = lengthOf(this.#received);
        if (length !== null) {
          this.#answered = true;
          this.#progress = () => {};
          countAnswered(reads);
          resolve(this.#take(length));
        } else if (this.#failure !== null) {
          reject(this.#failure);
        } else if (this.#received.length > limit) {
          reject(this.#garbage(`answered with more than ${limit} bytes`));
        }
      };
      this.#progress();
    });
  }

  /** One request whose answer is the same struct, as all but the reader table's are. @throws PcscdFailure */
  async call<V>(command: Command, body: Struct<V>, values: Partial<V>): Promise<V> {
    const answer = await this.exchange(
      request(command, body.encode(values)),
      (received) => (received.length >= body.size ? body.size : null),
      body.size,
    );
    return body.decode(answer);
  }

  /** Lets go at once; a call under way fails. Safe to repeat. */
  close(): void {
    this.#isClosed = true;
    this.#socket.destroy();
  }

  #garbage(what: string): PcscdFailure {
    this.close();
    return new PcscdFailure('garbage', `what listens on ${this.#path} is not pcscd: it ${what}`);
  }

  #take(length: number): Buffer {
    const taken = this.#received.subarray(0, length);
    this.#received = this.#received.subarray(length);
    return taken;
  }

  #fail(cause: string): void {
    this.#failure ??= this.#isConnected ? this.#brokenBy(cause) : connectFailure(cause, this.#path);
    this.#progress();
  }

  /**
   * A connection that worked and ended. polkit's refusal, the limit of contexts and a pcscd that dies as we come
   * all look alike: closed before an answer, as EOF, ECONNRESET or EPIPE, depending on who was faster.
   */
  #brokenBy(cause: string): PcscdFailure {
    return this.#answered
      ? new PcscdFailure('closed', `pcscd closed the connection in the middle of a call (${cause}): it ended, or gave this client up`)
      : new PcscdFailure('dropped', `pcscd closed the connection without an answer (${cause}): refused by polkit, pcscd was ending, or it has no room for another client`);
  }
}

function connectFailure(cause: string, path: string): PcscdFailure {
  return connectFailures[cause]?.(path) ?? new PcscdFailure('unreachable', `connecting to ${path} failed (${cause})`);
}
