/**
 * A USB/IP server: lends virtual USB devices to the kernel's vhci-hcd, so that real libusb, libccid and scdaemon
 * meet them on a real bus. Protocol: Linux Documentation/usb/usbip_protocol.rst (version 1.1.1, big-endian).
 */
import { createServer, type Server, type Socket } from 'node:net';

/** A device as the bus sees it; endpoint 0 is answered from the descriptors, the rest by the device itself. */
export interface UsbDeviceModel {
  readonly busId: string;
  readonly vendor: number;
  readonly product: number;
  readonly deviceDescriptor: Buffer;
  readonly configurationDescriptor: Buffer;
  /** Strings by descriptor index, from 1. */
  readonly strings: readonly string[];
  /** A control request that is not standard; null stalls. */
  control(setup: Setup, data: Buffer): Buffer | null;
  /** Data sent by the host to an OUT endpoint. */
  send(endpoint: number, data: Buffer): void;
  /** The host waits for data of an IN endpoint; `reply` may be called at any later time, once. */
  receive(endpoint: number, length: number, reply: (data: Buffer) => void): void;
  /** The host gave up all waiting reads. */
  cancel(): void;
}

export interface Setup {
  requestType: number;
  request: number;
  value: number;
  index: number;
  length: number;
}

const VERSION = 0x0111;
const OP_REQ_DEVLIST = 0x8005;
const OP_REQ_IMPORT = 0x8003;
const CMD_SUBMIT = 1;
const CMD_UNLINK = 2;
const RET_SUBMIT = 3;
const RET_UNLINK = 4;
const HIGH_SPEED = 3;
const EPIPE = -32;
const ECONNRESET = -104;
const HEADER = 48;

/** Standard requests of USB 2.0 chapter 9. */
const GET_STATUS = 0;
const GET_DESCRIPTOR = 6;
const GET_CONFIGURATION = 8;
const DEVICE = 1;
const CONFIGURATION = 2;
const STRING = 3;

export class UsbipServer {
  readonly #devices = new Map<string, UsbDeviceModel>();
  readonly #attached = new Map<string, Socket>();
  readonly #server: Server;

  constructor() {
    this.#server = createServer((socket) => this.#serve(socket));
  }

  /** Listens on the loopback interface. @param port default: the port that the usbip tool expects */
  listen(port = 3240): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', resolve);
    });
  }

  add(device: UsbDeviceModel): void {
    this.#devices.set(device.busId, device);
  }

  /** Pulls the device out: vhci-hcd sees the connection end and removes it from the bus. */
  unplug(busId: string): void {
    this.#attached.get(busId)?.destroy();
    this.#attached.delete(busId);
  }

  close(): void {
    for (const socket of this.#attached.values()) socket.destroy();
    this.#server.close();
  }

  #serve(socket: Socket): void {
    let buffered: Buffer = Buffer.alloc(0);
    let device: UsbDeviceModel | null = null;
    const pending = new Set<number>();
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('close', () => device?.cancel());
    socket.on('data', (chunk: Buffer) => {
      buffered = Buffer.concat([buffered, chunk]);
      for (;;) {
        const used: number = device === null ? operation() : urb(device);
        if (used === 0) return;
        buffered = buffered.subarray(used);
      }
    });

    const operation = (): number => {
      if (buffered.length < 8) return 0;
      const code = buffered.readUInt16BE(2);
      if (code === OP_REQ_DEVLIST) {
        const devices = [...this.#devices.values()];
        const count = Buffer.alloc(4);
        count.writeUInt32BE(devices.length);
        socket.write(Buffer.concat([reply(0x0005, 0), count, ...devices.map((one) => Buffer.concat([describe(one), interfaces(one)]))]));
        return 8;
      }
      if (code !== OP_REQ_IMPORT) {
        socket.destroy();
        return 0;
      }
      if (buffered.length < 40) return 0;
      const busId = buffered.toString('latin1', 8, 40).replace(/\0.*$/s, '');
      const found = this.#devices.get(busId);
      if (found === undefined) {
        socket.end(reply(0x0003, 1));
        return 40;
      }
      device = found;
      this.#attached.set(busId, socket);
      socket.write(Buffer.concat([reply(0x0003, 0), describe(found)]));
      return 40;
    };

    const urb = (target: UsbDeviceModel): number => {
      if (buffered.length < HEADER) return 0;
      const command = buffered.readUInt32BE(0);
      const sequence = buffered.readUInt32BE(4);
      if (command === CMD_UNLINK) {
        const victim = buffered.readUInt32BE(20);
        const header = returned(RET_UNLINK, sequence);
        header.writeInt32BE(pending.delete(victim) ? ECONNRESET : 0, 20);
        socket.write(header);
        return HEADER;
      }
      if (command !== CMD_SUBMIT) {
        socket.destroy();
        return 0;
      }
      const isIn = buffered.readUInt32BE(12) === 1;
      const endpoint = buffered.readUInt32BE(16);
      const length = buffered.readUInt32BE(24);
      const outLength = isIn ? 0 : length;
      if (buffered.length < HEADER + outLength) return 0;
      const setup = parseSetup(buffered.subarray(40, 48));
      const data = Buffer.from(buffered.subarray(HEADER, HEADER + outLength));
      const finish = (status: number, actual: number, answer?: Buffer) => {
        const header = returned(RET_SUBMIT, sequence);
        header.writeInt32BE(status, 20);
        header.writeUInt32BE(actual, 24);
        header.writeUInt32BE(0xffffffff, 32); // number_of_packets: not isochronous
        socket.write(answer === undefined ? header : Buffer.concat([header, answer]));
      };
      if (endpoint === 0) {
        const answer = standard(target, setup) ?? target.control(setup, data);
        if (answer === null) finish(EPIPE, 0);
        else if (isIn) finish(0, Math.min(answer.length, length), answer.subarray(0, length));
        else finish(0, length);
      } else if (isIn) {
        pending.add(sequence);
        target.receive(endpoint, length, (answer) => {
          if (pending.delete(sequence)) finish(0, Math.min(answer.length, length), answer.subarray(0, length));
        });
      } else {
        target.send(endpoint, data);
        finish(0, length);
      }
      return HEADER + outLength;
    };
  }
}

function parseSetup(bytes: Buffer): Setup {
  return {
    requestType: bytes.readUInt8(0),
    request: bytes.readUInt8(1),
    value: bytes.readUInt16LE(2),
    index: bytes.readUInt16LE(4),
    length: bytes.readUInt16LE(6),
  };
}

/** Answers what every device answers alike; undefined where the device itself is asked. */
function standard(device: UsbDeviceModel, setup: Setup): Buffer | undefined {
  if ((setup.requestType & 0x60) !== 0) return undefined;
  if (setup.request === GET_STATUS) return Buffer.from([0, 0]);
  if (setup.request === GET_CONFIGURATION) return Buffer.from([1]);
  if (setup.request !== GET_DESCRIPTOR) return Buffer.alloc(0); // SET_CONFIGURATION, SET_INTERFACE, CLEAR_FEATURE
  const kind = setup.value >> 8;
  const index = setup.value & 0xff;
  if (kind === DEVICE) return device.deviceDescriptor;
  if (kind === CONFIGURATION) return device.configurationDescriptor;
  if (kind !== STRING) return undefined;
  if (index === 0) return Buffer.from([4, STRING, 0x09, 0x04]); // English (United States)
  const text = Buffer.from(device.strings[index - 1] ?? '', 'utf16le');
  return Buffer.concat([Buffer.from([text.length + 2, STRING]), text]);
}

function reply(code: number, status: number): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(VERSION, 0);
  header.writeUInt16BE(code, 2);
  header.writeUInt32BE(status, 4);
  return header;
}

function returned(command: number, sequence: number): Buffer {
  const header = Buffer.alloc(HEADER);
  header.writeUInt32BE(command, 0);
  header.writeUInt32BE(sequence, 4);
  return header;
}

function describe(device: UsbDeviceModel): Buffer {
  const [bus = '1', port = '1'] = device.busId.split('-');
  const record = Buffer.alloc(312);
  record.write(`/sys/devices/virtual/cardcheck/${device.busId}`, 0, 'latin1');
  record.write(device.busId, 256, 'latin1');
  record.writeUInt32BE(Number(bus), 288);
  record.writeUInt32BE(Number(port), 292);
  record.writeUInt32BE(HIGH_SPEED, 296);
  record.writeUInt16BE(device.vendor, 300);
  record.writeUInt16BE(device.product, 302);
  record.writeUInt16BE(device.deviceDescriptor.readUInt16LE(12), 304);
  record.writeUInt8(1, 309); // bConfigurationValue
  record.writeUInt8(1, 310); // bNumConfigurations
  record.writeUInt8(device.configurationDescriptor.readUInt8(4), 311);
  return record;
}

/** Class, subclass and protocol of each interface, as the device list shows them. */
function interfaces(device: UsbDeviceModel): Buffer {
  const found: number[] = [];
  const bytes = device.configurationDescriptor;
  for (let at = 0; at < bytes.length; at += bytes.readUInt8(at)) {
    if (bytes.readUInt8(at + 1) === 4) found.push(bytes.readUInt8(at + 5), bytes.readUInt8(at + 6), bytes.readUInt8(at + 7), 0);
  }
  return Buffer.from(found);
}
