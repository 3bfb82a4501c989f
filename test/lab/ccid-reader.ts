/**
 * A USB CCID reader with one slot: class descriptors, T=1 with extended APDU level exchange, so that libccid and
 * scdaemon's internal driver both accept it. Source: "Specification for Integrated Circuit(s) Cards Interface
 * Devices", revision 1.1.
 */
import type { Setup, UsbDeviceModel } from './usbip.ts';

/** What the reader needs of a card. */
export interface InsertedCard {
  powerOn(): Buffer;
  powerOff(): void;
  transmit(apdu: Buffer): Buffer;
}

export interface ReaderIdentity {
  busId: string;
  vendor: number;
  product: number;
  manufacturer: string;
  name: string;
  serial?: string;
  /** Name of the CCID interface; libccid puts it into the reader's name. */
  interfaceName?: string;
  /** Interfaces with another class in front of the smart-card one, as a YubiKey's OTP and FIDO (HID). */
  hidInterfaces?: number;
  /** The first of them is a boot keyboard, as a YubiKey's OTP; without a usbhid of this machine nobody minds that it never says a word. */
  keyboard?: boolean;
  /** false: those alone, as of a key whose smart-card interface is switched off. */
  hasSmartCard?: boolean;
  /** A class of its own instead of 0x0B, as of old vendor-specific readers. */
  interfaceClass?: number;
  /** 1: T=0 only. 2: T=1 only. 3: both. */
  protocols?: number;
  /** Short APDU level exchange instead of extended. */
  shortApdus?: boolean;
  /** An NXP PN532 behind the reader, which the kernel's pn533_usb driver looks for through escape commands. */
  pn532?: boolean;
}

/** Class, subclass and protocol of an interface (USB HID 1.11). */
const HID = 3;
const BOOT = 1;
const KEYBOARD = 1;

const BULK_OUT = 1;
const BULK_IN = 2;
const INTERRUPT_IN = 3;

const ICC_POWER_ON = 0x62;
const ICC_POWER_OFF = 0x63;
const GET_SLOT_STATUS = 0x65;
const XFR_BLOCK = 0x6f;
const GET_PARAMETERS = 0x6c;
const RESET_PARAMETERS = 0x6d;
const SET_PARAMETERS = 0x61;
const ESCAPE = 0x6b;
const SET_RATE = 0x73;
const DATA_BLOCK = 0x80;
const SLOT_STATUS = 0x81;
const PARAMETERS = 0x82;
const ESCAPE_ANSWER = 0x83;
const RATE = 0x84;
const NOTIFY_SLOT_CHANGE = 0x50;

const ACTIVE = 0;
const INACTIVE = 1;
const NO_CARD = 2;
const FAILED = 0x40;
const ICC_MUTE = 0xfe;
const CMD_NOT_SUPPORTED = 0;

/** Fi/Di 0x11, LRC, guard time 0, BWI/CWI 0x4D, no clock stop, IFSC 254, NAD 0: the structure for T=1. */
const T1_PARAMETERS = Buffer.from([0x11, 0x10, 0x00, 0x4d, 0x00, 0xfe, 0x00]);

export class CcidReader implements UsbDeviceModel {
  readonly busId: string;
  readonly vendor: number;
  readonly product: number;
  readonly strings: readonly string[];
  readonly deviceDescriptor: Buffer;
  readonly configurationDescriptor: Buffer;
  readonly #pn532: boolean;
  #card: InsertedCard | null = null;
  #powered = false;
  #silent = false;
  #waiting = new Map<number, (data: Buffer) => void>();
  #answers: Buffer[] = [];

  constructor(identity: ReaderIdentity) {
    this.busId = identity.busId;
    this.vendor = identity.vendor;
    this.product = identity.product;
    this.#pn532 = identity.pn532 ?? false;
    this.strings = [identity.manufacturer, identity.name, identity.serial ?? '', identity.interfaceName ?? identity.name];
    this.deviceDescriptor = deviceDescriptor(identity);
    this.configurationDescriptor = configurationDescriptor(identity);
  }

  insert(card: InsertedCard): void {
    this.#card = card;
    this.#notify();
  }

  remove(): void {
    this.#card = null;
    this.#powered = false;
    this.#notify();
  }

  /** It stays on the bus and answers no command any more, as a reader whose firmware has not come back from a suspend. */
  fallSilent(): void {
    this.#silent = true;
    this.#notify();
  }

  control(setup: Setup): Buffer | null {
    // Class requests: ABORT 0x01 has no data; GET_CLOCK_FREQUENCIES and GET_DATA_RATES do not exist here.
    return setup.requestType === 0x21 ? Buffer.alloc(0) : null;
  }

  send(endpoint: number, data: Buffer): void {
    if (endpoint !== BULK_OUT || data.length < 10 || this.#silent) return;
    this.#answers.push(this.#execute(data));
    this.#deliver();
  }

  receive(endpoint: number, _length: number, reply: (data: Buffer) => void): void {
    this.#waiting.set(endpoint, reply);
    this.#deliver();
  }

  cancel(): void {
    this.#waiting.clear();
    this.#answers = [];
    if (this.#powered) this.#card?.powerOff();
    this.#powered = false;
  }

  #deliver(): void {
    const reply = this.#waiting.get(BULK_IN);
    const answer = this.#answers[0];
    if (reply === undefined || answer === undefined) return;
    this.#answers.shift();
    this.#waiting.delete(BULK_IN);
    reply(answer);
  }

  #notify(): void {
    const reply = this.#waiting.get(INTERRUPT_IN);
    if (reply === undefined) return;
    this.#waiting.delete(INTERRUPT_IN);
    reply(Buffer.from([NOTIFY_SLOT_CHANGE, this.#card === null ? 0b10 : 0b11]));
  }

  get #status(): number {
    return this.#card === null ? NO_CARD : this.#powered ? ACTIVE : INACTIVE;
  }

  #execute(command: Buffer): Buffer {
    const kind = command.readUInt8(0);
    const payload = command.subarray(10, 10 + command.readUInt32LE(1));
    const answer = (type: number, data: Buffer = Buffer.alloc(0), failure = 0, error = 0, last = 0) => {
      const header = Buffer.alloc(10);
      header.writeUInt8(type, 0);
      header.writeUInt32LE(data.length, 1);
      header.writeUInt8(command.readUInt8(5), 5);
      header.writeUInt8(command.readUInt8(6), 6);
      header.writeUInt8(this.#status | failure, 7);
      header.writeUInt8(error, 8);
      header.writeUInt8(last, 9);
      return Buffer.concat([header, data]);
    };
    switch (kind) {
      case ICC_POWER_ON: {
        if (this.#card === null) return answer(DATA_BLOCK, undefined, FAILED, ICC_MUTE);
        const atr = this.#card.powerOn();
        if (atr.length === 0) return answer(DATA_BLOCK, undefined, FAILED, ICC_MUTE);
        this.#powered = true;
        return answer(DATA_BLOCK, atr);
      }
      case ICC_POWER_OFF:
        this.#card?.powerOff();
        this.#powered = false;
        return answer(SLOT_STATUS);
      case GET_SLOT_STATUS:
        return answer(SLOT_STATUS);
      case XFR_BLOCK:
        if (this.#card === null || !this.#powered) return answer(DATA_BLOCK, undefined, FAILED, ICC_MUTE);
        return answer(DATA_BLOCK, this.#card.transmit(Buffer.from(payload)));
      case GET_PARAMETERS:
      case RESET_PARAMETERS:
      case SET_PARAMETERS:
        return answer(PARAMETERS, T1_PARAMETERS, 0, 0, 1);
      case SET_RATE:
        return answer(RATE, Buffer.alloc(8));
      case ESCAPE:
        if (this.#pn532) return answer(ESCAPE_ANSWER, pn532Answer(payload));
        return answer(ESCAPE_ANSWER, undefined, FAILED, CMD_NOT_SUPPORTED);
      default:
        return answer(SLOT_STATUS, undefined, FAILED, CMD_NOT_SUPPORTED);
    }
  }
}

/**
 * ACR122U API: FF 00 00 00 Lc D4 command … is answered with D5 command+1 … 90 00. GetFirmwareVersion (02) tells a
 * PN532 1.6; every other command of the driver's set-up is content with an empty answer.
 */
function pn532Answer(escape: Buffer): Buffer {
  const command = escape[6] ?? 0;
  const data = command === 0x02 ? [0x32, 0x01, 0x06, 0x07] : [];
  return Buffer.from([0xd5, command + 1, ...data, 0x90, 0x00]);
}

function deviceDescriptor(identity: ReaderIdentity): Buffer {
  const bytes = Buffer.from([18, 1, 0x00, 0x02, 0, 0, 0, 64, 0, 0, 0, 0, 0x00, 0x05, 1, 2, identity.serial === undefined ? 0 : 3, 1]);
  bytes.writeUInt16LE(identity.vendor, 8);
  bytes.writeUInt16LE(identity.product, 10);
  return bytes;
}

function configurationDescriptor(identity: ReaderIdentity): Buffer {
  const { hidInterfaces: hid = 0, hasSmartCard = true, keyboard = false } = identity;
  // Without endpoints nobody opens these; beside a smart-card interface nobody asks for their class either.
  const others = Array.from({ length: hid }, (_, number) => {
    const triple = keyboard && number === 0 ? [HID, BOOT, KEYBOARD] : [hasSmartCard ? 0xff : HID, 0, 0];
    return Buffer.from([9, 4, number, 0, 0, ...triple, 0]);
  });
  const smartCard = [
    Buffer.from([9, 4, hid, 0, 3, identity.interfaceClass ?? 0x0b, 0, 0, 4]),
    classDescriptor(identity),
    Buffer.from([7, 5, BULK_OUT, 2, 0x00, 0x02, 0]),
    Buffer.from([7, 5, BULK_IN | 0x80, 2, 0x00, 0x02, 0]),
    Buffer.from([7, 5, INTERRUPT_IN | 0x80, 3, 8, 0, 8]),
  ];
  const body = Buffer.concat([...others, ...(hasSmartCard ? smartCard : [])]);
  const header = Buffer.from([9, 2, 0, 0, hid + Number(hasSmartCard), 1, 0, 0x80, 50]);
  header.writeUInt16LE(header.length + body.length, 2);
  return Buffer.concat([header, body]);
}

/** The CCID class descriptor (5.1 of the specification), 54 bytes. */
function classDescriptor({ protocols = 2, shortApdus = false }: ReaderIdentity): Buffer {
  const bytes = Buffer.alloc(54);
  bytes.writeUInt8(54, 0);
  bytes.writeUInt8(0x21, 1);
  bytes.writeUInt16LE(0x0110, 2); // bcdCCID 1.10
  bytes.writeUInt8(0, 4); // bMaxSlotIndex
  bytes.writeUInt8(7, 5); // bVoltageSupport: 5, 3 and 1.8 V
  bytes.writeUInt32LE(protocols, 6);
  bytes.writeUInt32LE(4000, 10); // dwDefaultClock, kHz
  bytes.writeUInt32LE(4000, 14); // dwMaximumClock
  bytes.writeUInt32LE(307_200, 19); // dwDataRate, bit/s
  bytes.writeUInt32LE(307_200, 23); // dwMaxDataRate
  bytes.writeUInt32LE(254, 28); // dwMaxIFSD
  // Automatic parameters, activation, voltage, clock, baud rate, PPS and IFSD; short or extended APDU level exchange.
  bytes.writeUInt32LE((shortApdus ? 0x0002_0000 : 0x0004_0000) | 0x04be, 40);
  bytes.writeUInt32LE(3072, 44); // dwMaxCCIDMessageLength
  bytes.writeUInt8(0xff, 48); // bClassGetResponse: echo
  bytes.writeUInt8(0xff, 49); // bClassEnvelope: echo
  bytes.writeUInt8(1, 53); // bMaxCCIDBusySlots
  return bytes;
}
