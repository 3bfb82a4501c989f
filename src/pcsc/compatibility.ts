/**
 * Which versions of libpcsclite and pcscd work together. The rules are those of pcsc-lite's own tags: the answer to
 * CMD_VERSION in src/winscard_svc.c and what SCardEstablishContext makes of it in src/winscard_clnt.c. Pure.
 */
import { isAtLeast } from '../collect/version.ts';

/** Version of the protocol, as both sides announce it (pcsc-lite winscard_msg.h). */
export interface Protocol {
  major: number;
  minor: number;
}

/** What is known of one side; the more is unknown, the fewer pairs can be judged. */
export interface Side {
  /** Of pcsc-lite; null: not known. */
  version: string | null;
  protocol: Protocol | null;
}

export interface ClientSide extends Side {
  /** Asks a pcscd that refused it once more, in pcscd's own version (2.4.1 and later); null: not known. */
  adapts: boolean | null;
}

export interface ServerSide extends Side {
  /** A version in which it was seen to take a client in; null: nobody tried. */
  took?: Protocol | null;
  /** Versions in which it was seen to refuse one. */
  refused?: readonly Protocol[];
}

/** What pcscd refuses a client with. */
export type Refusal = 'SCARD_E_NO_SERVICE' | 'SCARD_E_SERVICE_STOPPED';
/** `refusal` is null where it depends on what is not known. */
export type Agreement = { works: true } | { works: false; refusal: Refusal | null };

interface Generation {
  /** First version of pcsc-lite. */
  since: string;
  /** Of protocol 4. */
  minor: number;
}

interface ServerGeneration extends Generation {
  accepts: (client: Protocol) => boolean;
  refusal: Refusal;
}

interface ClientGeneration extends Generation {
  adapts: boolean;
}

const MAJOR = 4;
/** PROTOCOL_VERSION_MINOR_CLIENT_BACKWARD and …_SERVER_BACKWARD: what later versions still speak. */
const OLDEST_SPOKEN = 4;

const exactly = (minor: number) => (client: Protocol) => client.major === MAJOR && client.minor === minor;

/** Latest first. */
const servers: readonly ServerGeneration[] = [
  { since: '2.5.0', minor: 6, accepts: ({ major, minor }) => major === MAJOR && minor >= OLDEST_SPOKEN && minor <= 6, refusal: 'SCARD_E_SERVICE_STOPPED' },
  // It looks at the minor number alone.
  { since: '2.4.1', minor: 5, accepts: ({ minor }) => minor >= OLDEST_SPOKEN, refusal: 'SCARD_E_SERVICE_STOPPED' },
  { since: '2.3.0', minor: 5, accepts: exactly(5), refusal: 'SCARD_E_SERVICE_STOPPED' },
  { since: '1.8.26', minor: 4, accepts: exactly(4), refusal: 'SCARD_E_SERVICE_STOPPED' },
  { since: '1.8.24', minor: 4, accepts: exactly(4), refusal: 'SCARD_E_NO_SERVICE' },
  { since: '1.8.9', minor: 3, accepts: exactly(3), refusal: 'SCARD_E_NO_SERVICE' },
  { since: '1.6.5', minor: 2, accepts: exactly(2), refusal: 'SCARD_E_NO_SERVICE' },
  { since: '1.6.0', minor: 0, accepts: exactly(0), refusal: 'SCARD_E_NO_SERVICE' },
];

/** Latest first. */
const clients: readonly ClientGeneration[] = [
  { since: '2.5.0', minor: 6, adapts: true },
  { since: '2.4.1', minor: 5, adapts: true },
  { since: '2.3.0', minor: 5, adapts: false },
  { since: '1.8.24', minor: 4, adapts: false },
  { since: '1.8.9', minor: 3, adapts: false },
  { since: '1.6.5', minor: 2, adapts: false },
  { since: '1.6.0', minor: 0, adapts: false },
];

/** The generation of a version; none for one before 1.6.0, whose protocol has nothing in common with later ones. */
const generationOf = <G extends Generation>(generations: readonly G[], version: string): G | undefined => generations.find(({ since }) => isAtLeast(version, since));

/** Those that what is known leaves possible. */
function possible<G extends Generation>(generations: readonly G[], { version, protocol }: Side): G[] {
  const dated = version === null ? generations : [generationOf(generations, version)].filter((one) => one !== undefined);
  return dated.filter(({ minor }) => protocol === null || (protocol.major === MAJOR && protocol.minor === minor));
}

const possibleServers = (server: ServerSide): ServerGeneration[] =>
  possible(servers, server).filter(({ accepts }) => (server.took == null || accepts(server.took)) && !(server.refused ?? []).some(accepts));

/** The protocol that a version of libpcsclite or pcscd speaks first; null for one that cannot be told. */
export function protocolOf(version: string | null): Protocol | null {
  const found = version === null ? undefined : generationOf(clients, version);
  return found === undefined ? null : { major: MAJOR, minor: found.minor };
}

/** Whether a library said to be of this version may be one that announces this protocol; a null says nothing. */
export const agreesWith = (version: string | null, announced: Protocol | null): boolean => {
  const expected = protocolOf(version);
  return expected === null || announced === null || (expected.major === announced.major && expected.minor === announced.minor);
};

/**
 * Whether programs with this library can use this pcscd.
 * @returns null where what is known of the two leaves both answers possible
 */
export function agreementOf(client: ClientSide, server: ServerSide): Agreement | null {
  const pairs = possible(clients, client)
    .filter(({ adapts }) => client.adapts === null || adapts === client.adapts)
    .flatMap((one) => possibleServers(server).map((other) => agreement(one, other)));
  const [first] = pairs;
  if (first === undefined || pairs.some(({ works }) => works !== first.works)) return null;
  if (first.works) return first;
  const sameRefusal = pairs.every((pair) => !pair.works && pair.refusal === first.refusal);
  return { works: false, refusal: sameRefusal ? first.refusal : null };
}

function agreement(client: ClientGeneration, server: ServerGeneration): Agreement {
  if (server.accepts({ major: MAJOR, minor: client.minor })) return { works: true };
  // Only this answer makes the client try again, so that it fails with pcscd 1.8.24 and 1.8.25.
  const secondTry = client.adapts && server.refusal === 'SCARD_E_SERVICE_STOPPED' && server.minor >= OLDEST_SPOKEN;
  return secondTry ? { works: true } : { works: false, refusal: server.refusal };
}
