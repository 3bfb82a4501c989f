import { Channel } from './channel.ts';
import type { Inmate } from './namespace.ts';

/** What a holder has of the reader; `context` is a connection to pcscd without any handle. */
export type Hold = 'shared' | 'exclusive' | 'direct' | 'transaction' | 'context';

/** What a working holder did: tries of its own loop, those that failed in its own words, and all APDUs it sent. */
export interface HolderReport {
  operations: number;
  failures: string[];
  sent: number;
}

/** A second process with a real handle on a virtual reader. */
export class Holder {
  readonly #inmate: Inmate;
  readonly #channel: Channel;

  constructor(inmate: Inmate) {
    this.#inmate = inmate;
    this.#channel = new Channel(inmate.child);
  }

  /** As seen from outside. */
  get pid(): number {
    return this.#inmate.pid;
  }
  /** As seen inside: what a report from inside names. */
  get insidePid(): number {
    return this.#inmate.insidePid;
  }
  /** Takes the hold it was made for. @throws Error with PC/SC's code, e.g. "SCardConnect: 0x8010000B" */
  take(): Promise<void> {
    return this.#channel.call('take');
  }
  /** Gives the handle back in good order (SCARD_LEAVE_CARD) and ends the process. */
  async release(): Promise<void> {
    await this.#channel.call('release');
    this.#inmate.child.disconnect();
    await this.#inmate.exited;
  }
  /** Ends the process without any farewell to pcscd, and waits until it is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#inmate.kill(signal);
    await this.#inmate.exited;
  }
  /** Selects the OpenPGP application and verifies its PIN. */
  verifyPin(): Promise<void> {
    return this.#channel.call('verifyPin');
  }
  /** @param apdu hexadecimal; so is the answer, status word included */
  transmit(apdu: string): Promise<string> {
    return this.#channel.call('transmit', apdu);
  }
  /** Uses the card all the time, in a way that only succeeds while the PIN stays verified. */
  startWork(intervalMs: number): Promise<void> {
    return this.#channel.call('startWork', intervalMs);
  }
  /** Settles when the last operation has ended. */
  stopWork(): Promise<void> {
    return this.#channel.call('stopWork');
  }
  report(): Promise<HolderReport> {
    return this.#channel.call('report');
  }
}
