/**
 * THE schema of a snapshot: everything cardcheck knows of one machine at one moment. All types of facts
 * are inferred from it. It is loaded only where a snapshot enters (`--from`) or is published; the run on a
 * live machine imports types alone, because zod costs a third of its time.
 */
import * as z from 'zod';

/** A fact has a value or a reason for having none; nothing in a snapshot is `undefined` for "don't know". */
export function fact<T extends z.ZodType>(value: T) {
  return z.discriminatedUnion('status', [
    z.object({ status: z.literal('ok'), value, source: z.string().meta({ description: 'where it was read: a path, a command, a call' }) }),
    z.object({ status: z.literal('absent'), reason: z.string() }),
    z.object({ status: z.literal('denied'), need: z.string().meta({ description: 'what would show it, usually "root"' }) }),
    z.object({ status: z.literal('failed'), error: z.string() }),
    z.object({ status: z.literal('timeout'), afterMs: z.number() }),
    z.object({ status: z.literal('skipped'), why: z.string() }),
  ]);
}

const pid = z.int().min(0);
const uid = z.int().min(0);
/** As Date.toISOString writes it. A time without a zone would be another one wherever it is read. */
const isoTime = z.string().regex(/^(?:\d{4}|[+-]\d{6})-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/).meta({ description: 'ISO 8601, UTC' });
const path = z.string();
const usbId = z.string().regex(/^[0-9a-f]{4}:[0-9a-f]{4}$/).meta({ description: 'vendor:product, lower-case hex' });

/** A process as far as this user may look at it. */
export const processSchema = z.object({
  pid,
  ppid: pid.nullable(),
  uid,
  user: z.string().nullable(),
  comm: z.string().meta({ description: 'the kernel\'s name of it, at most 15 characters' }),
  argv: z.array(z.string()),
  exe: path.nullable().meta({ description: 'null when this user may not see it' }),
  startedAt: isoTime.nullable(),
  tty: z.string().nullable(),
  unit: z.string().nullable().meta({ description: 'systemd unit from its control group' }),
  parents: z.array(z.object({ pid, comm: z.string() })).meta({ description: 'nearest first, up to init' }),
  confinement: z
    .object({ kind: z.enum(['snap', 'flatpak', 'container', 'namespace']), name: z.string() })
    .nullable()
    .meta({ description: 'the app or container as its user knows it; namespace: another network or pid namespace without a name' }),
  hidden: z.boolean().meta({ description: 'non-dumpable: its files under /proc are closed even to its own user' }),
});

const host = z.object({
  platform: z.enum(['linux', 'darwin']),
  distribution: z.object({ id: z.string(), like: z.array(z.string()), version: z.string().nullable(), name: z.string() }).nullable(),
  kernel: z.string(),
  arch: z.string(),
  hostname: z.string().nullable().default(null).meta({ description: 'null: not known, or of a snapshot older than this field' }),
  user: z.object({ uid, name: z.string(), groups: z.array(z.string()) }),
  root: z.boolean(),
  calledBy: z.object({ uid, name: z.string().nullable() }).nullable().default(null).meta({ description: 'under sudo, the user who called it' }),
  session: z.object({
    place: z.enum(['local', 'remote', 'none', 'unknown']).meta({ description: 'none: no login session, e.g. a service or a container' }),
    active: z.boolean().nullable(),
    seat: z.string().nullable(),
    evidence: z.string(),
  }),
  container: z.string().nullable().meta({ description: 'docker, podman, lxc, systemd-nspawn, …' }),
  flatpak: z
    .object({ app: z.string(), pcsc: z.boolean().meta({ description: 'it was to get pcscd\'s socket' }) })
    .nullable()
    .default(null)
    .meta({ description: 'the flatpak cardcheck itself runs in; null: none, or of a snapshot older than this field' }),
  wsl: z.boolean(),
});

const usbDevice = z.object({
  path: z.string().meta({ description: 'name in /sys/bus/usb/devices, e.g. 1-2' }),
  bus: z.int(),
  device: z.int(),
  id: usbId,
  manufacturer: z.string().nullable(),
  product: z.string().nullable(),
  serial: z.string().nullable(),
  node: path.meta({ description: '/dev/bus/usb/BBB/DDD' }),
  access: fact(z.object({ mode: z.int(), uid, gid: uid, group: z.string().nullable(), readWrite: z.boolean().meta({ description: 'this user may open it read-write, ACLs included' }) })),
  authorized: z.boolean().meta({ description: 'false: the kernel or usbguard keeps it unusable' }),
  interfaces: z.array(
    z.object({
      number: z.int(),
      class: z.int(),
      subclass: z.int(),
      protocol: z.int(),
      driver: z.string().nullable().meta({ description: 'kernel driver bound; usbfs: claimed by some process' }),
      name: z.string().nullable(),
    }),
  ),
  ccidInterfaces: z.array(z.int()).meta({ description: 'numbers of its smart-card interfaces (class 0x0B, or a known reader\'s vendor class)' }),
  ccid: z
    .array(
      z.object({
        interface: z.int(),
        protocols: z.int().meta({ description: 'dwProtocols: bit 0 T=0, bit 1 T=1' }),
        features: z.int().meta({ description: 'dwFeatures; 0x10000 TPDU, 0x20000 short APDU, 0x40000 short and extended APDU level' }),
      }),
    )
    .default([])
    .meta({ description: 'what the CCID class descriptor of each smart-card interface says (USB CCID 1.1, 5.1); empty: not read' }),
  power: z.object({ runtimeStatus: z.string().nullable(), control: z.string().nullable() }),
});

const securityKey = z.object({
  path: z.string(),
  id: usbId,
  manufacturer: z.string().nullable(),
  product: z.string().nullable(),
});

const usbHolder = z.object({ node: path, process: processSchema });

const bundle = z.object({
  name: z.string().meta({ description: 'ifd-ccid.bundle' }),
  path,
  driver: z.string().nullable().meta({ description: 'CFBundleName, e.g. CCIDCLASSDRIVER' }),
  version: z.string().nullable(),
  executable: z.object({ path, exists: z.boolean() }).nullable(),
  devices: z.array(usbId),
  error: z.string().nullable(),
});

const pcscdProcess = z.object({
  process: processSchema,
  sameMountNamespace: z.boolean().nullable().meta({ description: 'it runs on our files, be it in the sandbox that pcscd.service makes of them; null: not visible for this user' }),
  sameNetworkNamespace: z.boolean().nullable(),
  listensOn: z.array(path).meta({ description: 'empty: nothing, or its open files are closed to this user' }),
});

const unit = z.object({
  name: z.string(),
  load: z.string(),
  active: z.string(),
  sub: z.string(),
  fileState: z.string(),
  fragment: path.nullable(),
  dropIns: z.array(path),
});

const library = z.object({
  path,
  realPath: path,
  kind: z.enum(['redirector', 'client', 'spy', 'static', 'unknown']).meta({ description: 'static: a program with the client linked in' }),
  version: z.string().nullable(),
  protocol: z.object({ major: z.int(), minor: z.int() }).nullable(),
  protocolFrom: z.enum(['file', 'version']).nullable().default(null).meta({ description: 'file: the number its code announces' }),
  adapts: z.boolean().nullable().default(null).meta({ description: 'asks a pcscd that refused it once more, in pcscd\'s version' }),
  slots: z.int().nullable().default(null).meta({ description: 'entries of the reader table it was built for; null: it learns that from pcscd, or it cannot be told' }),
  owner: z.string().nullable().meta({ description: 'where it belongs: system, /usr/local, a flatpak runtime, a snap, …' }),
  users: z
    .array(z.object({ pid, uid, user: z.string().nullable(), comm: z.string() }))
    .default([])
    .meta({ description: 'programs that have it loaded: of pcscd\'s clients and of known PC/SC programs, those this user may look into' }),
});

const macosService = z.object({
  pid,
  uid,
  startedAt: isoTime.nullable(),
  program: path,
  role: z.enum(['token-extension', 'token-service', 'pcsc-service', 'reader-service']).meta({
    description: 'extension of CryptoTokenKit for a kind of card; ctkd and ctkahp; the service behind PCSC.framework; the one that talks to readers',
  }),
});

const macosGnupg = z.object({
  kind: z.enum(['homebrew', 'gpg-suite', 'macports']),
  prefix: path,
  gpg: path,
  globalConfig: z.object({ path, disableCcid: z.boolean() }).nullable().meta({ description: 'scdaemon.conf for all users of this installation; null: it has none' }),
});

const readerState = z.object({
  name: z.string(),
  present: z.boolean(),
  atr: z.string().nullable().meta({ description: 'hex, upper case' }),
  sharing: z.int().meta({ description: 'pcscd\'s own count: -1 exclusive, 0 free, n open handles' }),
  eventCounter: z.int().nullable(),
  state: z.int().meta({ description: 'reader state bits of pcsc-lite (READER_STATE.readerState)' }),
  protocol: z.int().meta({ description: '0: nobody has connected to the card since its last power-up' }),
});

export const probeOutcomes = [
  'ok',
  'sharing-violation',
  'no-card',
  'unpowered',
  'unresponsive',
  'proto-mismatch',
  'access-denied',
  'no-service',
  'protocol-mismatch',
  'blocked',
  'skipped',
  'error',
] as const;

const probe = z.object({
  reader: z.string(),
  mode: z.enum(['shared', 'exclusive', 'direct']),
  backend: z.enum(['library', 'daemon']).meta({ description: 'library: libpcsclite through pcsclite; daemon: pcscd\'s socket' }),
  outcome: z.enum(probeOutcomes),
  code: z.string().nullable().meta({ description: 'SCARD_E_SHARING_VIOLATION' }),
  hex: z.string().nullable().meta({ description: '0x8010000B' }),
  ms: z.number().nullable(),
  reason: z.string().nullable().meta({ description: 'why skipped, or what the error said' }),
});

const client = z.object({
  process: processSchema.nullable().meta({ description: 'null: this user may not see whose connection it is' }),
  connections: z.int().meta({ description: 'one per SCARDCONTEXT' }),
  inodes: z.array(z.string()),
  modules: z.array(path).default([]).meta({ description: 'PKCS#11 modules it has loaded, as far as this user may see' }),
  handles: z
    .array(z.object({ reader: z.string(), hCard: z.string() }))
    .nullable()
    .default(null)
    .meta({ description: 'handles by its own libpcsclite\'s account, which forgets none before SCardDisconnect worked; null: not read' }),
});

const programs = z.array(z.string()).nullable();

/** What makes a program load a PKCS#11 module. */
export const pkcs11Registration = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('p11-kit'),
    file: path.meta({ description: 'the file that says which module it is, as the program sees it' }),
    name: z.string().meta({ description: 'of the module in p11-kit: files of this name override each other' }),
    program: z.string().meta({ description: 'the name p11-kit knows the program by' }),
    enableIn: programs.meta({ description: 'the only programs it is loaded in; null: not set' }),
    disableIn: programs.meta({ description: 'programs it is not loaded in; null: not set' }),
    override: z
      .object({ file: path, ofUser: z.boolean().meta({ description: 'it counts for the program\'s own user alone' }) })
      .nullable()
      .meta({ description: 'the file whose settings come first, there or not; null: in a sandbox' }),
  }),
  z.object({
    kind: z.literal('nss'),
    file: path.meta({ description: 'pkcs11.txt of an NSS database' }),
    name: z.string().nullable(),
    library: z.string().meta({ description: 'as it stands there' }),
    open: z.boolean().meta({ description: 'the program has this database open; false: it is one its user has, or that of the system' }),
  }),
  z.object({
    kind: z.literal('policy'),
    file: path.meta({ description: 'policies.json of Firefox or Thunderbird' }),
    name: z.string(),
    library: z.string().meta({ description: 'as it stands there' }),
  }),
]);

const pkcs11Host = z.object({
  pid,
  loaders: z.array(z.enum(['p11-kit', 'nss'])).meta({ description: 'libraries in it that load modules by a configuration of theirs; empty: the program loads them by itself' }),
  modules: z.array(
    z.object({ file: path, registrations: fact(z.array(pkcs11Registration)).meta({ description: 'an empty list: all places were looked at, and none names it' }) }),
  ),
});

/** What is known of one open handle, or transaction, from pcscd's own memory. */
const handle = z.object({
  reader: z.string(),
  access: z.enum(['exclusive', 'transaction', 'shared']),
  pid: pid.nullable().meta({ description: 'null: the owner of the connection could not be seen' }),
  process: processSchema.nullable(),
  hCard: z.string(),
});

const configLine = z.object({ file: path, line: z.int(), option: z.string(), value: z.string().nullable() });
const configMessage = z.object({ file: path, line: z.int().nullable(), text: z.string().nullable(), message: z.string() });
const configProblem = configMessage.extend({
  effect: z.enum(['rejected', 'overridden', 'unevaluated', 'unreadable']).meta({
    description: 'rejected by scdaemon; overridden by the global file; in a condition only scdaemon can evaluate; in a file it cannot read',
  }),
});

const optionFileObstacle = z.object({
  file: path,
  says: z.string(),
  endless: z.boolean().meta({ description: 'the program never gets past it; false: it is only very long' }),
});

const scdaemonBackend = z.enum(['usb-only', 'usb-then-pcsc', 'pcsc', 'unknown']);

export const factSchemas = {
  host: fact(host),

  // device
  usbDevices: fact(z.array(usbDevice)),
  securityKeys: fact(z.array(securityKey)).meta({ description: 'tokens of makers of smart-card tokens that have HID interfaces and no smart-card interface' }),
  usbHolders: fact(
    z.object({
      holders: z.array(usbHolder),
      unseenProcesses: z.int().meta({ description: 'processes whose open files this user may not list' }),
    }),
  ),

  // driver
  driverBundles: fact(z.object({ dropDir: path, bundles: z.array(bundle) })),
  libraries: fact(z.array(library)),

  // macOS, which has neither pcscd nor libpcsclite
  macosDriver: fact(
    z.object({
      version: z.string().nullable().meta({ description: 'of macOS, e.g. 14.5' }),
      build: z.string().nullable(),
      useIfdCcid: fact(z.boolean()).meta({ description: 'the bundled libccid serves readers instead of Apple\'s driver; absent: never set' }),
      disabledTokens: fact(z.array(z.string())).meta({ description: 'token extensions that are switched off; absent: never set' }),
      bundled: z.array(bundle).meta({ description: 'drivers that come with macOS' }),
      added: z.array(bundle).meta({ description: 'drivers under /usr/local' }),
    }),
  ),
  macosReaders: fact(
    z.object({
      readers: z.array(z.object({ name: z.string(), atr: z.string().nullable().meta({ description: 'hex, upper case; null: no card' }) })),
      drivers: z.array(z.object({ id: z.string().nullable(), version: z.string().nullable(), path })),
      tokens: z.array(z.string()).meta({ description: 'cards that a token extension serves' }),
    }),
  ),
  macosServices: fact(z.array(macosService)),
  macosGnupg: fact(z.array(macosGnupg)),

  // service
  pcscdProcesses: fact(z.array(pcscdProcess)),
  pcscdBuild: fact(
    z.object({
      path,
      version: z.string(),
      features: z.array(z.string()),
      polkit: z.boolean().nullable().meta({ description: 'null: this version does not tell' }),
      ipcDir: path.nullable(),
      usbDropDir: path.nullable(),
    }),
  ),
  pcscdSocket: fact(
    z.object({
      path,
      from: z.enum(['default', 'PCSCLITE_CSOCK_NAME']),
      kind: z.enum(['socket', 'other', 'missing', 'unreachable']),
      mode: z.int().nullable(),
      uid: uid.nullable(),
      writable: z.boolean().nullable().meta({ description: 'this user may connect to it' }),
      listening: z.boolean().nullable().meta({ description: 'somebody, pcscd or systemd for it, accepts connections; null: it may be one of another network namespace' }),
    }),
  ),
  pcscdUnits: fact(z.array(unit)),
  pcscdConfig: fact(
    z.object({
      environment: z.record(z.string(), z.string()).meta({ description: '/etc/default/pcscd and the like' }),
      environmentFiles: z.array(path).default([]).meta({ description: 'those it was read from, the last one wins' }),
      ignoredReaders: z.array(z.string()).meta({ description: 'PCSCLITE_FILTER_IGNORE_READER_NAMES' }),
      readerConf: z.array(z.object({ file: path, readers: z.array(z.string()), error: z.string().nullable() })),
    }),
  ),

  // access
  polkit: fact(
    z.object({
      enforced: z.boolean().nullable().meta({ description: 'pcscd asks polkit; null: could not be told' }),
      accessPcsc: z.enum(['yes', 'no', 'auth', 'unknown']),
      accessCard: z.enum(['yes', 'no', 'auth', 'unknown']),
      rules: z.array(path),
      evidence: z.array(z.string()),
      registered: z.boolean().nullable().default(null).meta({ description: 'polkit has read the policy that declares pcscd\'s actions; null: polkit was not asked' }),
      bus: z.boolean().nullable().default(null).meta({ description: 'the system bus, over which polkit is asked, has its socket; null: not looked at' }),
      authority: z.enum(['running', 'startable', 'missing']).nullable().default(null).meta({ description: 'polkit\'s daemon; startable: the bus starts it when it is asked' }),
      hidepid: z.string().nullable().default(null).meta({ description: 'the option hidepid of /proc, where it hides processes; null: it hides none, or was not looked at' }),
    }),
  ),

  // the daemon, asked over its socket
  daemon: fact(
    z.object({
      protocol: z.object({ major: z.int(), minor: z.int() }),
      announced: z.object({ major: z.int(), minor: z.int() }),
      refused: z
        .object({ major: z.int(), minor: z.int() })
        .nullable()
        .optional()
        .meta({ description: 'announced before and refused; where it is left out, 4:4 was announced first' }),
      slots: z.int().nullable().meta({ description: 'entries of the reader table: 16, 48 on Fedora, N from protocol 4:6; null: it was not sent' }),
      woken: z.boolean().nullable().meta({ description: 'pcscd was asleep and our connection started it; null: that could not be told' }),
    }),
  ),
  readers: fact(z.array(readerState)).meta({ description: 'the daemon\'s own table, or the library\'s view of it where there is no socket' }),
  probes: fact(z.array(probe)),

  // the same through libpcsclite, as applications see it
  addon: fact(z.object({ version: z.string(), path: path.nullable(), library: path.optional().meta({ description: 'the libpcsclite it is linked to' }) })),
  libraryReaders: fact(z.array(z.object({ name: z.string(), state: z.int().nullable().meta({ description: 'SCARD_STATE_* bits, EXCLUSIVE and INUSE only where pcscd\'s own table was not read; null: libpcsclite gave none in time' }), atr: z.string().nullable() }))),
  libraryContext: fact(z.object({ code: z.string(), hex: z.string(), library: path.optional().meta({ description: 'the libpcsclite that was asked, where it failed' }) })).meta({ description: 'result of SCardEstablishContext' }),

  // sharing
  clients: fact(
    z.object({
      clients: z.array(client),
      unattributed: z.int().meta({ description: 'connections whose process could not be seen' }),
      hiddenByNamespace: z.int().meta({ description: 'connections that ss does not list, by pcscd\'s own descriptors' }),
      suspects: z.array(processSchema).optional().meta({ description: 'programs known to connect to cards that run while connections could not be attributed' }),
      complete: z.boolean().default(false).meta({ description: 'pcscd\'s own descriptors were compared: no connection stays uncounted' }),
    }),
  ),
  cardPrograms: fact(
    z.object({
      running: z.array(processSchema).meta({ description: 'programs known to connect to cards through pcscd that run, connected or not; scdaemon is not among them' }),
      installed: z.array(z.object({ program: z.string(), path })).meta({ description: 'programs in the search path that end scdaemon when it is in their way' }),
    }),
  ),
  pkcs11Hosts: fact(z.array(pkcs11Host)).meta({ description: 'programs with PKCS#11 modules among those that are connected to pcscd, or hold a card' }),
  handles: fact(z.array(handle)).meta({ description: 'read from pcscd\'s memory, every step validated' }),

  // gnupg
  gnupg: fact(
    z.object({
      gpg: z.object({ path, version: z.string() }).nullable(),
      gpgconf: path.nullable(),
      scdaemon: z
        .object({
          path,
          version: z.string(),
          internalCcid: z.boolean().nullable().meta({ description: 'built with the internal CCID driver' }),
          knowsPcscShared: z.boolean().nullable(),
          options: z.array(z.string()).nullable(),
        })
        .nullable()
        .meta({ description: 'null: not installed' }),
      expectedScdaemon: path.nullable().meta({ description: 'where gpgconf says it belongs' }),
      homeDir: path,
      uid: uid.meta({ description: 'whose GnuPG this is: under sudo, the user who called it' }),
      homeDirFrom: z.enum(['default', 'GNUPGHOME', 'gpgconf', 'SUDO_UID']),
      sysconfDir: path,
      agentSocket: path.nullable(),
    }),
  ),
  gnupgHome: fact(
    z.object({
      path,
      kind: z.enum(['directory', 'missing', 'other']),
      uid: uid.nullable().meta({ description: 'whose it is' }),
      mode: z.int().nullable(),
      usable: z.boolean().nullable().meta({ description: 'its user may write there, or make it where it is missing; null: could not be told' }),
      obstacles: z.array(optionFileObstacle).default([]).meta({ description: 'option files of gpg and gpg-agent, there and for all users, that are no files or too large' }),
    }),
  ),
  gpgAgent: fact(
    z.object({
      socket: path.nullable(),
      listeners: z.array(processSchema).meta({ description: 'who listens on the socket where no gpg-agent of this user runs' }),
      unseen: z.boolean().meta({ description: 'somebody listens on it whom this user may not see' }),
      sshSocket: path.nullable(),
      sshSupport: z.boolean().nullable().meta({ description: 'enable-ssh-support is in gpg-agent.conf' }),
      sshAuthSock: path.nullable().meta({ description: 'SSH_AUTH_SOCK where cardcheck was called; null: not set, or lost on the way through sudo' }),
    }),
  ),
  scdaemonConfig: fact(
    z.object({
      files: z.array(z.object({ path, state: z.enum(['read', 'missing', 'unreadable', 'error']), uid: uid.nullable(), mtime: isoTime.nullable() })),
      lines: z.array(configLine).meta({ description: 'options in force, in order' }),
      problems: z.array(configProblem).meta({ description: 'lines that do not do what they seem to' }),
      verdict: z.object({ exitCode: z.int().nullable(), messages: z.array(configMessage) }).nullable().meta({ description: 'what scdaemon --gpgconf-test says' }),
      fatal: z.boolean().meta({ description: 'scdaemon refuses to start with it, or never gets to it' }),
      obstacles: z.array(optionFileObstacle).default([]).meta({ description: 'files that are no files or too large; nothing of them is in lines' }),
      disableCcid: z.boolean(),
      pcscShared: z.boolean(),
      readerPort: z.string().nullable(),
      backend: scdaemonBackend,
      shareMode: z.enum(['exclusive', 'shared']).meta({ description: 'how it connects, wherever it uses PC/SC' }),
    }),
  ),
  scdaemons: fact(
    z.array(
      z.object({
        process: processSchema,
        home: path.nullable().meta({ description: 'from --homedir, else the default of its user' }),
        ours: z.boolean().meta({ description: 'of this user and this home: gpgconf --kill reaches it' }),
        usesInternalCcid: z.boolean().nullable().meta({ description: 'a thread named ccid_usb_thread: it has a reader open over USB' }),
        cardOpen: fact(z.boolean()).meta({ description: 'SCD GETINFO card_list, asked only of a running one' }),
        configNewerThanProcess: z.boolean().nullable(),
      }),
    ),
  ),

  // cardcheck itself
  self: fact(
    z.object({
      pids: z.array(pid),
      backends: z.array(z.enum(['library', 'daemon'])),
      blind: z.array(z.object({ what: z.string(), need: z.string() })).meta({ description: 'what stayed unseen and what would show it' }),
    }),
  ),
} as const;

export const snapshotSchema = z.object({
  schemaVersion: z.literal(1),
  tool: z.object({ name: z.literal('cardcheck'), version: z.string() }),
  startedAt: isoTime,
  durationMs: z.number(),
  redacted: z.boolean(),
  options: z.object({ passive: z.boolean(), wake: z.boolean(), exclusive: z.boolean(), timeoutMs: z.number(), reader: z.string().nullable() }),
  facts: z.object(factSchemas),
});

export type Snapshot = z.infer<typeof snapshotSchema>;
export type Facts = Snapshot['facts'];
export type FactName = keyof Facts;
/** The value a fact has when it is ok. */
export type FactValue<N extends FactName> = Extract<Facts[N], { status: 'ok' }>['value'];
export type Fact<T> =
  | { status: 'ok'; value: T; source: string }
  | { status: 'absent'; reason: string }
  | { status: 'denied'; need: string }
  | { status: 'failed'; error: string }
  | { status: 'timeout'; afterMs: number }
  | { status: 'skipped'; why: string };

export type Process = z.infer<typeof processSchema>;
export type Host = FactValue<'host'>;
export type UsbDevice = FactValue<'usbDevices'>[number];
export type SecurityKey = FactValue<'securityKeys'>[number];
export type DriverBundle = FactValue<'driverBundles'>['bundles'][number];
export type Library = FactValue<'libraries'>[number];
export type MacosService = FactValue<'macosServices'>[number];
export type PcscdProcess = FactValue<'pcscdProcesses'>[number];
export type ReaderState = FactValue<'readers'>[number];
export type Probe = FactValue<'probes'>[number];
export type ProbeOutcome = Probe['outcome'];
export type ShareMode = Probe['mode'];
export type Client = FactValue<'clients'>['clients'][number];
export type Handle = FactValue<'handles'>[number];
export type Pkcs11Host = FactValue<'pkcs11Hosts'>[number];
export type Pkcs11Registration = z.infer<typeof pkcs11Registration>;
export type Gnupg = FactValue<'gnupg'>;
export type ScdaemonConfig = FactValue<'scdaemonConfig'>;
export type Scdaemon = FactValue<'scdaemons'>[number];
