import type { Channel } from './channel.ts';
import type { CardCounts, CardEvent } from './vpcd.ts';

/** The card in one slot of a virtual reader, as the test bench sees it: what was done to it, and the hand that moves it. */
export class VirtualCard {
  readonly #channel: Channel;
  readonly #slot: number;

  constructor(channel: Channel, slot: number) {
    this.#channel = channel;
    this.#slot = slot;
  }

  /** How often it was powered, reset and spoken to so far, and whether a PIN is verified right now. */
  counts(): Promise<CardCounts> {
    return this.#channel.call('counts', this.#slot);
  }
  /** The latest 20 000 things that happened to it. */
  events(): Promise<CardEvent[]> {
    return this.#channel.call('events', this.#slot);
  }
  /** pcscd notices at its next poll, within about 0.4 s: see Rig.untilReaders. */
  insert(): Promise<void> {
    return this.#channel.call('insert', this.#slot);
  }
  remove(): Promise<void> {
    return this.#channel.call('remove', this.#slot);
  }
  /** A mute card is there and cannot be powered. Takes effect at the next power-up. */
  setMute(mute: boolean): Promise<void> {
    return this.#channel.call('setMute', this.#slot, mute);
  }
}
