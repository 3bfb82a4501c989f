/**
 * Where pcscd keeps what, generation by generation: the structures' members in the order of pcsc-lite's
 * headers, from which the offsets follow. The order did not change between 1.8.8 and 2.5.3 except at the end
 * of READER_CONTEXT.
 */

/** What the C library and the architecture decide. */
export interface Abi {
  name: string;
  /** sizeof(pthread_mutex_t), bytes. */
  mutex: number;
}

/** By ELF e_machine; an architecture that is not here cannot be proven. */
export const ABIS: Readonly<Record<number, readonly Abi[]>> = {
  62: [{ name: 'x86-64', mutex: 40 }],
  183: [
    { name: 'aarch64 glibc', mutex: 48 },
    // Derived from musl's headers, not tried on a machine.
    { name: 'aarch64 musl', mutex: 40 },
  ],
};

type Type = 'pointer' | 'long' | 'int' | 'list' | 'mutex' | 'functions' | 'state';
type Members = readonly (readonly [name: string, type: Type])[];

/** pcsc-lite readers.h, formerly readerfactory.h: struct ReaderContext up to where the generations part. */
const readerContext = [
  ['library', 'pointer'],
  ['device', 'pointer'],
  ['pthThread', 'long'],
  ['pthCardEvent', 'pointer'],
  ['mMutex', 'pointer'],
  ['handlesList', 'list'],
  ['handlesList_lock', 'mutex'],
  ['psFunctions', 'functions'],
  ['vHandle', 'pointer'],
  ['version', 'int'],
  ['port', 'int'],
  ['slot', 'int'],
  ['hLockId', 'long'],
  ['LockCount', 'int'],
  ['contexts', 'int'],
  ['pFeeds', 'pointer'],
  ['pMutex', 'pointer'],
  ['powerState', 'int'],
  ['powerState_lock', 'mutex'],
  ['reference', 'int'],
] as const satisfies Members;

/** pcsc-lite winscard_svc.c: struct _psContext. */
const clientContext = [
  ['hContext', 'int'],
  ['cardsList', 'list'],
  ['cardsList_lock', 'mutex'],
  ['dwClientID', 'int'],
  ['pthThread', 'long'],
] as const satisfies Members;

/** pcsc-lite winscard_clnt.c, in the library: struct _psContextMap. */
const contextMap = [
  ['dwClientID', 'long'],
  ['hContext', 'long'],
  ['mMutex', 'mutex'],
  ['channelMapList', 'list'],
] as const satisfies Members;

/** pcsc-lite winscard_clnt.c, in the library: struct _psChannelMap. */
export const CHANNEL = { hCard: 0, readerName: 8 } as const;

/** pcsc-lite readers.h, formerly eventhandler.h: READER_STATE, 184 bytes, the same in all generations and on the wire. */
export const READER_STATE = { readerName: 0, eventCounter: 128, readerState: 132, readerSharing: 136, cardAtr: 140, cardAtrLength: 176, nameSize: 128 } as const;

/** pcsc-lite simclist.h: list_t and its entries. */
export const LIST = { head: 0, tail: 8, count: 24, entry: { data: 0, next: 8, previous: 16 } } as const;

interface Generation {
  versions: string;
  /** After the common members. */
  tail: Members;
  /** How READER_CONTEXT refers to the reader's state. */
  state: 'pointer' | 'inline';
  /** What the variable sReadersContexts is: the array of pointers itself, or a pointer to it. */
  roots: 'array' | 'pointer to array';
}

const generations: readonly Generation[] = [
  { versions: '1.8.8 to 1.9.5', tail: [['reference_lock', 'mutex'], ['readerState', 'pointer']], state: 'pointer', roots: 'array' },
  { versions: '1.9.6 to 2.4.1', tail: [['readerState', 'pointer']], state: 'pointer', roots: 'array' },
  { versions: '2.5.0 and later', tail: [['readerState', 'state']], state: 'inline', roots: 'pointer to array' },
];

type MemberOf<M extends Members> = M[number][0];

export interface Layout {
  name: string;
  state: Generation['state'];
  roots: Generation['roots'];
  readerContext: Readonly<Record<MemberOf<typeof readerContext> | 'readerState', number>>;
  clientContext: Readonly<Record<MemberOf<typeof clientContext>, number>>;
}

/** All layouts a pcscd of this architecture may have; the search tells which. */
export function layoutsOf(machine: number): Layout[] {
  return (ABIS[machine] ?? []).flatMap((abi) =>
    generations.map(({ versions, tail, state, roots }) => ({
      name: `pcsc-lite ${versions}, ${abi.name}`,
      state,
      roots,
      readerContext: offsets([...readerContext, ...tail], abi) as Layout['readerContext'],
      clientContext: offsets(clientContext, abi) as Layout['clientContext'],
    })),
  );
}

/** Where libpcsclite keeps what it knows of one connection. */
export type ContextMap = Readonly<Record<MemberOf<typeof contextMap>, number>>;

/** All that a libpcsclite of this architecture may have. */
export const contextMapsOf = (machine: number): ContextMap[] => (ABIS[machine] ?? []).map((abi) => offsets(contextMap, abi) as ContextMap);

/** The offsets a C compiler gives the members on a 64-bit machine. */
function offsets(members: Members, abi: Abi): Record<string, number> {
  const sizes: Record<Type, { size: number; align: number }> = {
    pointer: { size: 8, align: 8 },
    long: { size: 8, align: 8 },
    int: { size: 4, align: 4 },
    list: { size: 120, align: 8 },
    mutex: { size: abi.mutex, align: 8 },
    functions: { size: 80, align: 8 },
    state: { size: 184, align: 4 },
  };
  let end = 0;
  return Object.fromEntries(
    members.map(([name, type]) => {
      const { size, align } = sizes[type];
      const start = Math.ceil(end / align) * align;
      end = start + size;
      return [name, start];
    }),
  );
}
