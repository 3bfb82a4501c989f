import { spawnSync } from 'node:child_process';
import { copyFile, writeFile } from 'node:fs/promises';
import { Channel } from './channel.ts';
import { type Hold, Holder } from './holder.ts';
import { type As, type EnterOptions, type Inmate, Namespace, rigFolder, type RunResult } from './namespace.ts';
import { type GnupgOptions, PrivateGnupg } from './private-gnupg.ts';
import { PrivatePcscd } from './private-pcscd.ts';
import { findPart, type Part, requireParts } from './requirements.ts';
import { RigError } from './rig-error.ts';
import { VirtualCard } from './virtual-card.ts';
import type { CardKind } from './vpcd.ts';

/** vpcd gives every reader two slots and cannot do otherwise (vsmartcard ifd-vpcd.c, VICC_MAX_SLOTS). */
const slotsPerReader = 2;
/** Two readers of one name would be listed under one name. */
const friendlyNames = ['Virtual PCD', ...'BCDEFGH'].map((name, index) => (index === 0 ? name : `Virtual PCD ${name}`));
const firstPort = 0x8c7b;

export interface RigOptions {
  /**
   * What is in each slot; default one OpenPGP card. Slots come in pairs, a reader each, so an odd number
   * leaves one more slot, empty; an empty list makes no reader at all.
   */
  readers?: readonly { card?: CardKind }[];
  /** Another pcscd than the installed one, or false for none. */
  pcscd?: string | false;
  pcscdArgs?: readonly string[];
}

export interface HoldOptions {
  as?: As;
  /** Name of the process, as a report shows it. */
  name?: string;
}

/** A private pcscd with virtual readers and cards, in namespaces of their own that vanish with this process. */
export class Rig {
  readonly namespace: Namespace;
  readonly pcscd: PrivatePcscd;
  /** Names of the slots, as pcscd lists them. */
  readers: readonly string[] = [];
  /** The installed package and Node as every user inside can reach them. */
  readonly app = `${rigFolder}/app`;
  readonly node = `${rigFolder}/node`;
  #cards: Channel | null = null;

  /** Use startRig. */
  constructor(namespace: Namespace, pcscd: PrivatePcscd) {
    this.namespace = namespace;
    this.pcscd = pcscd;
  }

  /** Whether `as: 'user'` is possible. */
  get hasUsers(): boolean {
    return this.namespace.hasUsers;
  }

  /** The card in slot `index`, in the order of `readers`. */
  card(index: number): VirtualCard {
    if (this.#cards === null) throw new RigError('this rig has no readers');
    return new VirtualCard(this.#cards, index);
  }

  /** Puts the cards into their slots, which need not be served yet. @throws Error when their process cannot run */
  async insertCards(slots: readonly string[]): Promise<void> {
    const inmate = await this.#runOwn('rig-cards', slots, 'root');
    this.#cards = new Channel(inmate.child);
    await this.#cards.call('counts', 0);
  }

  /** Runs a program inside to its end. */
  run(command: string, args: readonly string[], options?: EnterOptions & { timeoutMs?: number; input?: string }): Promise<RunResult> {
    return this.namespace.run(command, args, options);
  }

  /** Starts a program inside. */
  spawn(command: string, args: readonly string[], options?: EnterOptions): Promise<Inmate> {
    return this.namespace.spawn(command, args, options);
  }

  /**
   * A second process that takes a real hold of a reader.
   * @throws Error with PC/SC's code when pcscd refuses it, and then nothing stays behind
   */
  async hold(reader: string, hold: Hold, options: HoldOptions = {}): Promise<Holder> {
    const holder = new Holder(await this.#runOwn('rig-holder', [options.name ?? 'other-program', reader, hold], options.as ?? 'root'));
    try {
      await holder.take();
    } catch (error) {
      await holder.kill();
      throw error;
    }
    return holder;
  }

  /** A GnuPG home with real gpg-agent and scdaemon; nothing runs before gpg is used. */
  gnupg(options: GnupgOptions = {}): Promise<PrivateGnupg> {
    return PrivateGnupg.create(this.namespace, options);
  }

  /** Ends every process inside; files and sockets vanish with the namespaces. */
  stop(): Promise<void> {
    return this.namespace.destroy();
  }

  #runOwn(program: string, args: readonly string[], as: As): Promise<Inmate> {
    const path = `${this.app}/${ownProgramFolder}/${program}.js`;
    return this.spawn(this.node, [path, ...args], { as, cwd: '/', stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  }
}

const namespaceParts: readonly Part[] = ['setpriv', 'unshare', 'nsenter', 'mount', 'ip'];

/** Where the build puts the programs that run inside. */
const ownProgramFolder = 'dist/app';

/**
 * Starts a private pcscd with virtual readers and waits until every card is powered (or found mute).
 * Nothing of the machine's own pcscd, GnuPG or USB devices is touched; nothing is left behind, however this process ends.
 * @throws RigError when the machine lacks a program or forbids namespaces
 */
export async function startRig(options: RigOptions = {}): Promise<Rig> {
  const readers = options.readers ?? [{}];
  const wantsPcscd = options.pcscd !== false;
  await requireParts([
    ...namespaceParts,
    ...(options.pcscd === undefined ? (['pcscd'] as const) : []),
    ...(wantsPcscd && readers.length > 0 ? (['vpcd'] as const) : []),
  ]);
  const namespace = await Namespace.create();
  try {
    const program = options.pcscd || ((await findPart('pcscd')) ?? 'pcscd');
    const pcscd = new PrivatePcscd(namespace, [program, '--foreground', ...withoutPolkit(program), '--config', `${rigFolder}/reader.conf.d`, ...(options.pcscdArgs ?? [])]);
    const rig = new Rig(namespace, pcscd);
    if (!wantsPcscd) return rig;
    const slots = slotsFor(readers.map(({ card }) => card ?? 'openpgp'));
    await writeReaderConfiguration(namespace, slots.length / slotsPerReader);
    if (slots.length > 0) await rig.insertCards(slots.map((kind, slot) => `${portOf(slot)}:${kind}`));
    await pcscd.start();
    const rows = await pcscd.untilReaders('every slot is listed and its card powered', (listed) =>
      slots.every((kind, slot) => {
        const row = listed[slot];
        return row !== undefined && (kind === 'none' || (row.present && row.settled));
      }),
    );
    rig.readers = rows.map(({ name }) => name);
    return rig;
  } catch (error) {
    await namespace.destroy();
    throw error;
  }
}

function slotsFor(kinds: readonly CardKind[]): CardKind[] {
  return kinds.length % slotsPerReader === 0 ? [...kinds] : [...kinds, 'none'];
}

function portOf(slot: number): number {
  return firstPort + slot;
}

/** One reader per pair of slots. The driver keeps its state in static variables, so each reader loads a copy of its own. */
async function writeReaderConfiguration(namespace: Namespace, readers: number): Promise<void> {
  const vpcd = await findPart('vpcd');
  const entries: string[] = [];
  for (let reader = 0; vpcd !== null && reader < readers; reader += 1) {
    const library = `${rigFolder}/vpcd-${reader}.so`;
    await copyFile(vpcd, namespace.path(library));
    const port = portOf(reader * slotsPerReader);
    entries.push(`FRIENDLYNAME "${friendlyNames[reader]}"\nDEVICENAME /dev/null:${port}\nLIBPATH ${library}\nCHANNELID ${port}\n`);
  }
  await writeFile(namespace.path(`${rigFolder}/reader.conf.d/vpcd`), entries.join('\n'));
}

/** Inside there is no D-Bus to ask polkit over, so a pcscd built with it would refuse everybody (pcsc-lite 2.0.0 brought the switch). */
function withoutPolkit(pcscd: string): string[] {
  const { stdout } = spawnSync(pcscd, ['--help'], { encoding: 'utf8', timeout: 2000 });
  return stdout?.includes('--disable-polkit') === true ? ['--disable-polkit'] : [];
}
