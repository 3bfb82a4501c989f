import { randomBytes } from 'node:crypto';

/** What a virtual card does when its reader powers it or sends it a command. */
export interface CardApplication {
  readonly atr: Buffer;
  /** Answer to a command APDU, status word included. */
  transmit(apdu: Buffer): Buffer;
  /** Power-off or reset: everything volatile is lost. */
  forget(): void;
  /** Whether a PIN has been verified since the last reset. */
  readonly verified: boolean;
}

const ok = Buffer.from([0x90, 0x00]);
const word = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);

/** Status words of ISO 7816-4. */
const status = {
  wrongLength: word(0x6700),
  blocked: word(0x6983),
  notFound: word(0x6a82),
  dataNotFound: word(0x6a88),
  unknownInstruction: word(0x6d00),
} as const;

/** ISO 7816-3: the last byte of a T=1 ATR makes the exclusive-or of all but the first zero. */
function withCheckByte(bytes: readonly number[]): Buffer {
  return Buffer.from([...bytes, bytes.slice(1).reduce((sum, byte) => sum ^ byte, 0)]);
}

/** A card without an application anybody asks for. */
export class PlainCard implements CardApplication {
  readonly atr = withCheckByte([0x3b, 0x80, 0x01]);
  readonly verified: boolean = false;
  transmit(apdu: Buffer): Buffer {
    return apdu[1] === 0xa4 ? status.notFound : status.unknownInstruction;
  }
  forget(): void {
    // Nothing volatile in it.
  }
}

const openPgpAid = Buffer.from('d27600012401', 'hex');
const historicalBytes = Buffer.from('0031c573c00180059000', 'hex');
/** Dummy PINs, the ones every new OpenPGP card has (OpenPGP card specification 3.4, 4.2). */
export const userPin = '123456';
const adminPin = '12345678';
const maximalTries = 3;

/** A data object: tag of one or two bytes, length, value (BER-TLV, lengths below 256). */
function tlv(tag: number, ...value: Buffer[]): Buffer {
  const body = Buffer.concat(value);
  const length = body.length < 0x80 ? [body.length] : [0x81, body.length];
  return Buffer.concat([tag > 0xff ? word(tag) : Buffer.from([tag]), Buffer.from(length), body]);
}

/**
 * An OpenPGP card 3.4 without keys: enough for `gpg --card-status`, for OpenSC to take it for a token, and for a PIN that
 * is verified, counted and lost.
 * Tags and contents: OpenPGP card specification 3.4, chapter 4.4.
 */
export class OpenPgpCard implements CardApplication {
  readonly atr = withCheckByte([0x3b, 0xda, 0x18, 0xff, 0x81, 0xb1, 0xfe, 0x75, 0x1f, 0x03, ...historicalBytes]);
  readonly #objects: ReadonlyMap<number, Buffer>;
  readonly #tries = new Map<'user' | 'admin', number>();
  readonly #verified = new Set<number>();
  #selected = false;

  /** @param serial number of the card, as in its AID; manufacturer FFFE is the range for unmanaged serial numbers */
  constructor(serial: number) {
    this.#objects = dataObjects(serial);
    this.#tries.set('user', maximalTries).set('admin', maximalTries);
  }

  get verified(): boolean {
    return this.#verified.size > 0;
  }

  forget(): void {
    this.#verified.clear();
    this.#selected = false;
  }

  transmit(apdu: Buffer): Buffer {
    const [, instruction = 0, p1 = 0, p2 = 0, length = 0] = apdu;
    const data = apdu.subarray(5, 5 + length);
    if (instruction === 0xa4) return this.#select(data);
    if (!this.#selected) return status.unknownInstruction;
    switch (instruction) {
      case 0xca:
        return this.#getData((p1 << 8) | p2);
      // SELECT DATA (specification 7.2.5): which of several objects of a tag, of which there are none here.
      case 0xa5:
        return ok;
      case 0x20:
        return this.#verify(p1, p2, apdu.length > 5 ? data : null);
      case 0x84:
        return Buffer.concat([randomBytes(apdu[4] ?? 0), ok]);
      default:
        return status.unknownInstruction;
    }
  }

  #select(aid: Buffer): Buffer {
    const isOurs = aid.length >= openPgpAid.length && aid.subarray(0, openPgpAid.length).equals(openPgpAid);
    // Another application may be asked for and not found; the selected one then stays selected (ISO 7816-4, 11.1.1).
    if (isOurs) this.#selected = true;
    return isOurs ? ok : status.notFound;
  }

  #getData(tag: number): Buffer {
    const value = tag === 0xc4 ? this.#pinStatus() : this.#objects.get(tag);
    return value === undefined ? status.dataNotFound : Buffer.concat([value, ok]);
  }

  #pinStatus(): Buffer {
    return Buffer.from([0, 127, 127, 127, this.#tries.get('user') ?? 0, 0, this.#tries.get('admin') ?? 0]);
  }

  /** VERIFY; without data it only asks for the state (specification 7.2.2). P1 = FF gives the access up. */
  #verify(p1: number, reference: number, pin: Buffer | null): Buffer {
    if (reference < 0x81 || reference > 0x83) return status.dataNotFound;
    const kind = reference === 0x83 ? 'admin' : 'user';
    const left = this.#tries.get(kind) ?? 0;
    if (p1 === 0xff) this.#verified.delete(reference);
    else if (pin !== null) return this.#tryPin(kind, reference, pin, left);
    else if (!this.#verified.has(reference)) return word(0x63c0 | left);
    return ok;
  }

  #tryPin(kind: 'user' | 'admin', reference: number, pin: Buffer, left: number): Buffer {
    if (left === 0) return status.blocked;
    const isRight = pin.toString('latin1') === (kind === 'admin' ? adminPin : userPin);
    this.#tries.set(kind, isRight ? maximalTries : left - 1);
    if (isRight) this.#verified.add(reference);
    else this.#verified.delete(reference);
    return isRight ? ok : word(0x63c0 | (left - 1));
  }
}

function dataObjects(serial: number): Map<number, Buffer> {
  const number = Buffer.alloc(4);
  number.writeUInt32BE(serial);
  const aid = Buffer.concat([openPgpAid, Buffer.from('0304fffe', 'hex'), number, Buffer.alloc(2)]);
  const rsa2048 = Buffer.from('010800002000', 'hex');
  const empty = Buffer.alloc(0);
  const capabilities = Buffer.from('300000ff080000ff0000', 'hex');
  const discretionary = tlv(
    0x73,
    tlv(0xc0, capabilities),
    ...[0xc1, 0xc2, 0xc3].map((tag) => tlv(tag, rsa2048)),
    tlv(0xc4, Buffer.from([0, 127, 127, 127, maximalTries, 0, maximalTries])),
    tlv(0xc5, Buffer.alloc(60)),
    tlv(0xc6, Buffer.alloc(60)),
    tlv(0xcd, Buffer.alloc(12)),
  );
  const name = tlv(0x5b, Buffer.from('Card<<Virtual'));
  return new Map([
    [0x4f, aid],
    [0x5e, empty],
    [0x5f50, empty],
    [0x5f52, historicalBytes],
    [0x65, Buffer.concat([name, tlv(0x5f2d, Buffer.from('en')), tlv(0x5f35, Buffer.from('9'))])],
    [0x6e, Buffer.concat([tlv(0x4f, aid), tlv(0x5f52, historicalBytes), discretionary])],
    [0x7a, tlv(0x93, Buffer.alloc(3))],
    [0xc0, capabilities],
    [0xc1, rsa2048],
    [0xc2, rsa2048],
    [0xc3, rsa2048],
    [0xc5, Buffer.alloc(60)],
    [0xc6, Buffer.alloc(60)],
    [0xcd, Buffer.alloc(12)],
  ]);
}
