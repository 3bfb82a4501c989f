/**
 * The handles of a client by its own account: what libpcsclite remembers in it. Any user may read that of own
 * programs, where the system allows it, when pcscd's memory is closed. The library forgets a handle only when
 * SCardDisconnect worked (pcsc-lite winscard_clnt.c), so that one of a reader that was unplugged since may still be there.
 */
import { openProcessMemory } from '../system/process-memory.ts';
import { SystemError } from '../system/port.ts';
import { CHANNEL, type ContextMap, contextMapsOf, READER_STATE } from './layouts.ts';
import { lookAt, type MemoryImage } from './memory.ts';
import { isHandle, listAt } from './walk.ts';

export interface Channel {
  reader: string;
  hCard: number;
}

/** Before 2.1 the library itself, since then the real one behind a redirector; either may have been replaced on the disk. */
const LIBRARY = /\/libpcsclite(?:_real)?\.so\.1(?:\.[\d.]+)?(?: \(deleted\))?$/;
/** A library's variables and the lists they lead to take some pages. */
const MAX_BYTES = 1024 * 1024;

/**
 * @param connections descriptors of the process that are connections to pcscd
 * @returns null unless exactly one list in it accounts for all of them: closed to this user, or not through libpcsclite
 */
export function channelsIn(pid: number, connections: ReadonlySet<number>): Channel[] | null {
  if (connections.size === 0) return null;
  try {
    const memory = openProcessMemory(pid, LIBRARY);
    try {
      return lookAt(memory, (image) => readChannels(image, contextMapsOf(memory.machine), connections), MAX_BYTES);
    } finally {
      memory.close();
    }
  } catch (error) {
    if (error instanceof SystemError) return null;
    throw error;
  }
}

/** The variable contextMapList is found as the one list whose elements are these connections and no others. */
export function readChannels(image: MemoryImage, layouts: readonly ContextMap[], connections: ReadonlySet<number>): Channel[] | null {
  const found: Channel[][] = [];
  for (const layout of layouts) {
    for (const address of image.dataAddresses()) {
      const channels = channelsAt(image, layout, address, connections);
      if (channels !== null) found.push(channels);
    }
  }
  return found.length === 1 ? (found[0] ?? null) : null;
}

function channelsAt(image: MemoryImage, layout: ContextMap, list: number, connections: ReadonlySet<number>): Channel[] | null {
  const contexts = listAt(image, list);
  if (contexts === null || contexts.length !== connections.size) return null;
  const fds = new Set(contexts.map((context) => image.u64(context + layout.dwClientID)));
  if (![...connections].every((fd) => fds.has(fd))) return null;
  const channels = contexts.map((context) => listAt(image, context + layout.channelMapList)?.map((channel) => readChannel(image, channel)));
  return channels.every((ofContext) => ofContext?.every((channel) => channel !== null)) ? channels.flatMap((ofContext) => ofContext as Channel[]) : null;
}

function readChannel(image: MemoryImage, channel: number): Channel | null {
  const hCard = image.u64(channel + CHANNEL.hCard);
  const name = image.u64(channel + CHANNEL.readerName);
  const reader = name === null ? null : image.string(name, READER_STATE.nameSize - 1);
  return isHandle(hCard) && reader !== null && reader !== '' ? { reader, hCard } : null;
}
