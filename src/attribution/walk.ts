/**
 * From pcscd's variables to its readers, their handles and the contexts that own them, without symbols. The
 * search validates itself: a structure counts only if everything in it agrees with the table of readers that
 * pcscd sends over its socket. Pure; the memory comes through MemoryImage.
 */
import type { ReaderState } from '../snapshot/schema.ts';
import { type Layout, LIST, READER_STATE } from './layouts.ts';
import type { MemoryImage } from './memory.ts';

/** What pcscd's memory says at one moment. */
export interface Holdings {
  readers: ReaderHoldings[];
  contexts: ClientContext[];
}

export interface ReaderHoldings {
  name: string;
  /** Address of its READER_CONTEXT, which stays where it is as long as the reader is listed. */
  structure: number;
  /** READER_CONTEXT.contexts: -1 exclusive, else the number of handles. */
  sharing: number;
  /** Every open hCard. */
  handles: number[];
  /** The hCard that owns the lock (exclusive access or a transaction); 0: none. */
  lock: number;
}

export interface ClientContext {
  hContext: number;
  /** pcscd's descriptor of the connection. */
  fd: number;
  /** Its thread in pcscd, as pthread_t: where the C library describes it. */
  thread: number;
  handles: number[];
}

/** pcsc-lite pcscd.h PCSC_MAX_CONTEXT_THREADS and PCSC_MAX_…_HANDLES are 200; an administrator may raise them. */
const MAX_ELEMENTS = 10_000;
/** pcsc-lite ≥ 2.5 has no limit of readers any more; beyond so many slots we are reading something else. */
const MAX_READERS = 1_000;
const MAX_PATH = 4096;
const HANDLE_LIMIT = 2 ** 31;
/** pcsc-lite eventhandler.c: the lock while a reader is being torn down. */
const TEARDOWN_LOCK = 0xffff;

/**
 * Reads the holdings with one layout.
 * @param table the readers as pcscd's socket tells them, from just before
 * @returns null when anything does not fit: another layout, or a change while reading
 */
export function walk(image: MemoryImage, layout: Layout, table: readonly ReaderState[]): Holdings | null {
  const readers = findReaders(image, layout, table);
  if (readers === null) return null;
  const contexts = findContexts(image, layout);
  if (contexts === null || !eachHandleHasOneOwner(readers, contexts)) return null;
  return { readers, contexts };
}

function findReaders(image: MemoryImage, layout: Layout, table: readonly ReaderState[]): ReaderHoldings[] | null {
  const structures = readerStructures(image, layout, new Set(table.map(({ name }) => name)));
  if (structures === null) return null;
  const readers = table.map((state) => {
    const structure = structures.get(state.name);
    return structure === undefined ? null : readReader(image, layout, structure, state);
  });
  return readers.every((reader) => reader !== null) ? readers : null;
}

/** Address of the READER_CONTEXT of each named reader; null when a name leads to none or to more than one. */
function readerStructures(image: MemoryImage, layout: Layout, names: ReadonlySet<string>): Map<string, number> | null {
  const found = new Map<string, number>();
  for (const structure of candidates(image, layout)) {
    const name = readerName(image, layout, structure);
    if (name === null || !names.has(name)) continue;
    const known = found.get(name);
    if (known !== undefined && known !== structure) return null;
    found.set(name, structure);
  }
  return found.size === names.size ? found : null;
}

/** Everything that sReadersContexts may point to. */
function* candidates(image: MemoryImage, layout: Layout): Iterable<number> {
  for (const pointer of pointersInData(image)) {
    if (layout.roots === 'array') yield pointer;
    else yield* pointersFrom(image, pointer);
  }
}

function* pointersInData(image: MemoryImage): Iterable<number> {
  for (const address of image.dataAddresses()) {
    const value = image.u64(address);
    if (value !== null && value % 8 === 0 && image.holds(value)) yield value;
  }
}

/** The pointers in an array whose end is where they stop. */
function* pointersFrom(image: MemoryImage, array: number): Iterable<number> {
  for (let index = 0; index < MAX_READERS; index++) {
    const value = image.u64(array + 8 * index);
    if (value === null || value % 8 !== 0 || !image.holds(value)) return;
    yield value;
  }
}

function stateAddress(image: MemoryImage, layout: Layout, structure: number): number | null {
  const member = structure + layout.readerContext.readerState;
  return layout.state === 'inline' ? member : image.u64(member);
}

/** What READER_STATE says; null where there is none. */
export function readerName(image: MemoryImage, layout: Layout, structure: number): string | null {
  const state = stateAddress(image, layout, structure);
  return state === null ? null : image.string(state + READER_STATE.readerName, READER_STATE.nameSize - 1);
}

function readReader(image: MemoryImage, layout: Layout, structure: number, expected: ReaderState): ReaderHoldings | null {
  const offset = layout.readerContext;
  const state = stateAddress(image, layout, structure);
  const library = image.u64(structure + offset.library);
  const list = listAt(image, structure + offset.handlesList);
  const lock = image.u64(structure + offset.hLockId);
  const lockCount = image.i32(structure + offset.LockCount);
  const sharing = image.i32(structure + offset.contexts);
  if (state === null || library === null || list === null || lock === null || lockCount === null || sharing === null) return null;

  const handles = list.map((entry) => image.u64(entry));
  const agrees =
    image.u32(state + READER_STATE.eventCounter) === expected.eventCounter &&
    image.i32(state + READER_STATE.readerSharing) === expected.sharing &&
    atrAt(image, state) === expected.atr &&
    sharing === expected.sharing &&
    isPath(image.string(library, MAX_PATH)) &&
    handles.every(isHandle) &&
    new Set(handles).size === handles.length &&
    handles.length === (sharing === -1 ? 1 : sharing) &&
    lockFits(lock, lockCount, sharing, handles);
  return agrees ? { name: expected.name, structure, sharing, handles: handles.filter(isHandle), lock } : null;
}

/** The ATR as upper-case hex; null where the slot has none. */
function atrAt(image: MemoryImage, state: number): string | null {
  const length = image.u32(state + READER_STATE.cardAtrLength);
  if (length === null || length === 0 || length > 33) return null;
  return image.bytes(state + READER_STATE.cardAtr, length)?.toString('hex').toUpperCase() ?? null;
}

/** A lock belongs to one of the open handles and is counted; exclusive access is a lock. */
function lockFits(lock: number, lockCount: number, sharing: number, handles: readonly (number | null)[]): boolean {
  if (lock === 0) return sharing !== -1 && lockCount === 0;
  return lock !== TEARDOWN_LOCK && lockCount >= 1 && handles.includes(lock);
}

export const isHandle = (value: number | null): value is number => value !== null && value > 0 && value < HANDLE_LIMIT;

const isPath = (text: string | null): boolean => text !== null && /^\/[^\p{Cc}\uFFFD]+$/u.test(text);

/** The one list among pcscd's variables whose elements all are client contexts. */
function findContexts(image: MemoryImage, layout: Layout): ClientContext[] | null {
  let found: ClientContext[] | null = null;
  for (const address of image.dataAddresses()) {
    const contexts = contextsAt(image, layout, address);
    if (contexts === null) continue;
    if (found !== null) return null;
    found = contexts;
  }
  return found;
}

function contextsAt(image: MemoryImage, layout: Layout, list: number): ClientContext[] | null {
  const elements = listAt(image, list);
  if (elements === null || elements.length === 0) return null;
  const contexts = elements.map((structure) => readContext(image, layout, structure));
  return contexts.every((context) => context !== null) ? contexts : null;
}

function readContext(image: MemoryImage, layout: Layout, structure: number): ClientContext | null {
  const offset = layout.clientContext;
  const hContext = image.i32(structure + offset.hContext);
  const fd = image.i32(structure + offset.dwClientID);
  const thread = image.u64(structure + offset.pthThread);
  const cards = listAt(image, structure + offset.cardsList);
  if (hContext === null || hContext < 0 || fd === null || fd < 0 || thread === null || cards === null) return null;
  const handles = cards.map((card) => image.i32(card));
  return handles.every(isHandle) ? { hContext, fd, thread, handles } : null;
}

/**
 * A handle with no owner, or two, and a descriptor that two owners share: a client is coming or going just now.
 * (pcscd closes a dead client's descriptor before it forgets its handles, so the number may already be another's.)
 */
function eachHandleHasOneOwner(readers: readonly ReaderHoldings[], contexts: readonly ClientContext[]): boolean {
  return readers
    .flatMap(({ handles }) => handles)
    .every((handle) => {
      const owners = contexts.filter(({ handles }) => handles.includes(handle));
      return owners.length === 1 && contexts.filter(({ fd }) => fd === owners[0]?.fd).length === 1;
    });
}

/** The data pointers of a list_t; null unless its links agree in both directions and with its count. */
export function listAt(image: MemoryImage, list: number): number[] | null {
  const head = image.u64(list + LIST.head);
  const tail = image.u64(list + LIST.tail);
  if (head === null || tail === null || !image.holds(head) || !image.holds(tail)) return null;
  const count = image.u32(list + LIST.count);
  if (count === null || count > MAX_ELEMENTS) return null;
  const { data, next, previous } = LIST.entry;
  if (image.u64(head + data) !== 0 || image.u64(head + previous) !== 0 || image.u64(tail + data) !== 0 || image.u64(tail + next) !== 0) return null;

  const elements: number[] = [];
  for (let entry = head; ; ) {
    const following = image.u64(entry + next);
    if (following === null || image.u64(following + previous) !== entry) return null;
    if (following === tail) return elements.length === count ? elements : null;
    const element = image.u64(following + data);
    if (element === null || !image.holds(element) || elements.length === count) return null;
    elements.push(element);
    entry = following;
  }
}
