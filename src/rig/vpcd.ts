import { connect, type Socket } from 'node:net';
import type { CardApplication } from './openpgp-card.ts';

export type CardKind = 'openpgp' | 'plain' | 'mute' | 'none';

/** One thing the reader did to the card. `apdu` in lower-case hexadecimal, for APDUs only; times in ms since the epoch. */
export interface CardEvent {
  at: number;
  what: 'power-on' | 'power-off' | 'reset' | 'apdu';
  apdu?: string;
}

/** How often each thing happened to a card, and what its PIN state is. */
export interface CardCounts {
  powerOn: number;
  powerOff: number;
  reset: number;
  apdu: number;
  verified: boolean;
}

/** One-byte messages of vpcd's protocol (vsmartcard vpcd.h); every other message is an APDU. */
const powerOff = 0;
const powerOn = 1;
const reset = 2;
const getAtr = 4;

/** Longer than any ATR may be (33 bytes): the driver sees that a card is there and refuses to power it, which is what a mute card looks like. */
const muteAtr = Buffer.alloc(34, 0x3b);
const keptEvents = 20_000;
const retryMs = 25;

/** A card on the TCP end of a vpcd reader slot: connected means inserted. Messages are a big-endian u16 length and a payload. */
export class VpcdCard {
  mute: boolean;
  readonly #application: CardApplication;
  readonly #port: number;
  readonly #counts = { powerOn: 0, powerOff: 0, reset: 0, apdu: 0 };
  #events: CardEvent[] = [];
  #socket: Socket | null = null;
  #inserted = false;
  #pending: Buffer = Buffer.alloc(0);

  constructor(port: number, application: CardApplication, mute: boolean) {
    this.#port = port;
    this.#application = application;
    this.mute = mute;
  }

  get counts(): CardCounts {
    return { ...this.#counts, verified: this.#application.verified };
  }

  /** The latest 20 000 events. */
  get events(): readonly CardEvent[] {
    return this.#events;
  }

  insert(): void {
    this.#inserted = true;
    if (this.#socket === null) this.#connect();
  }

  remove(): void {
    this.#inserted = false;
    this.#socket?.destroy();
    this.#socket = null;
    this.#application.forget();
  }

  /** Keeps trying: the driver listens only once pcscd has loaded it. */
  #connect(): void {
    this.#pending = Buffer.alloc(0);
    const socket = connect(this.#port, '127.0.0.1');
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('close', () => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      this.#application.forget();
      setTimeout(() => {
        if (this.#inserted && this.#socket === null) this.#connect();
      }, retryMs);
    });
  }

  #receive(chunk: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    while (this.#pending.length >= 2) {
      const end = 2 + this.#pending.readUInt16BE(0);
      if (this.#pending.length < end) return;
      const payload = this.#pending.subarray(2, end);
      this.#pending = this.#pending.subarray(end);
      this.#answer(payload);
    }
  }

  #answer(payload: Buffer): void {
    if (payload.length !== 1) return this.#send(this.#transmit(payload));
    switch (payload[0]) {
      case powerOff:
        return this.#note('powerOff', 'power-off');
      case powerOn:
        return this.#note('powerOn', 'power-on');
      case reset:
        return this.#note('reset', 'reset');
      case getAtr:
        return this.#send(this.mute ? muteAtr : this.#application.atr);
    }
  }

  #note(counter: 'powerOn' | 'powerOff' | 'reset', what: CardEvent['what']): void {
    this.#counts[counter] += 1;
    this.#application.forget();
    this.#keep({ at: Date.now(), what });
  }

  #transmit(apdu: Buffer): Buffer {
    this.#counts.apdu += 1;
    this.#keep({ at: Date.now(), what: 'apdu', apdu: apdu.toString('hex') });
    return this.#application.transmit(apdu);
  }

  #keep(event: CardEvent): void {
    this.#events.push(event);
    if (this.#events.length > 2 * keptEvents) this.#events = this.#events.slice(-keptEvents);
  }

  #send(payload: Buffer): void {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(payload.length);
    this.#socket?.write(Buffer.concat([length, payload]));
  }
}
