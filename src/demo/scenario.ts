import type { Part } from '../rig/requirements.ts';
import { RigError } from '../rig/rig-error.ts';
import type { Hold } from '../rig/holder.ts';
import type { PrivateGnupg } from '../rig/private-gnupg.ts';
import type { Rig } from '../rig/rig.ts';

/** What a scenario has at hand: a rig with one card, and the user's ear. */
export interface Stage {
  rig: Rig;
  reader: string;
  gnupg: PrivateGnupg;
  /** What is in its scdaemon.conf: nothing, or what it takes to come near a virtual reader. */
  scdaemonConf: readonly string[];
  /** Tells the user one thing that was done. */
  tell(line: string): void;
  /** Shows what a program said, word by word. */
  quote(words: string): void;
}

export interface Scenario {
  description: string;
  /** What it needs besides pcscd and the virtual reader. */
  needs: readonly Part[];
  /** Makes the situation with real processes. @throws RigError when the parts do not behave as the scenario says */
  make(stage: Stage): Promise<void>;
}

const gnupgParts = ['gpg', 'gpgconf', 'scdaemon'] as const;
const shareNames: Partial<Record<Hold, string>> = {
  shared: 'connects to the card: SCARD_SHARE_SHARED',
  exclusive: 'connects to the card: SCARD_SHARE_EXCLUSIVE',
  transaction: 'connects to the card and opens a transaction: SCardBeginTransaction',
};

async function otherProgram({ rig, reader, tell }: Stage, hold: Hold): Promise<void> {
  const holder = await rig.hold(reader, hold);
  tell(`other-program (pid ${holder.insidePid}) ${shareNames[hold]}`);
}

/** Runs `gpg --card-status` and shows what it says. */
async function cardStatus({ gnupg, scdaemonConf, tell, quote }: Stage): Promise<{ works: boolean; words: string }> {
  const { exitCode, stdout, stderr } = await gnupg.gpg('--card-status');
  tell(`gpg --card-status, ${scdaemonConf.length === 0 ? 'in its default configuration' : `with ${scdaemonConf.join(' and ')}`}, says:`);
  const words = stderr.split('\n').filter((line) => line.startsWith('gpg: ') && !line.includes('keybox'));
  quote(exitCode === 0 ? stdout.split('\n').slice(0, 3).join('\n') : words.join('\n'));
  return { works: exitCode === 0, words: stderr };
}

export const scenarios = {
  'gpg-blocked': {
    description: 'another program shares the card, and gpg says "No such device"',
    needs: gnupgParts,
    async make(stage) {
      await otherProgram(stage, 'shared');
      const { works } = await cardStatus(stage);
      if (works) throw new RigError('gpg reached the card beside the other program: this scdaemon does not connect exclusively');
    },
  },
  'gpg-holds': {
    description: 'gpg has used the card, and another program is refused',
    needs: gnupgParts,
    async make(stage) {
      const { works, words } = await cardStatus(stage);
      if (!works) throw new RigError(`gpg does not read the virtual card: ${words.trim()}`);
      const refusal = await stage.rig.hold(stage.reader, 'shared').then(
        () => null,
        (error: Error) => error.message,
      );
      if (refusal === null) throw new RigError('another program reached the card beside gpg: this scdaemon does not connect exclusively');
      stage.tell('other-program connects to the card, and pcscd says:');
      stage.quote(refusal);
    },
  },
  transaction: {
    description: 'another program keeps a transaction open: whoever connects waits',
    needs: [],
    make: (stage) => otherProgram(stage, 'transaction'),
  },
  exclusive: {
    description: 'another program has the card for itself',
    needs: [],
    make: (stage) => otherProgram(stage, 'exclusive'),
  },
  free: {
    description: 'a card that nobody uses',
    needs: [],
    make: async ({ tell }) => tell('nobody connects to the card'),
  },
} as const satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof scenarios;
