import type { Command } from '@commander-js/extra-typings';
import type { ExitCode } from '../exit-code.ts';
import type { AddonPort } from '../pcsc/addon.ts';
import type { Ahead } from '../system/ahead.ts';

/** What a command may do to the outside: print, warn, and say how the run ended. */
export interface Session {
  /** The child that loads pcsclite, if it was started ahead. */
  addon: AddonPort | null;
  /** Programs every run asks, if they were started ahead. */
  ahead: Ahead | null;
  /** Writes to stdout and settles when it has left this process. A reader that has gone away is no error. */
  print(text: string): Promise<void>;
  /** One line on stderr. */
  warn(line: string): void;
  end(exitCode: ExitCode): void;
  /** Undoes what a signal must not leave behind; run in reverse order, awaited, before the process ends. */
  onInterrupt(undo: () => void | Promise<void>): void;
}

/** One file of this folder adds one command; what a command needs is imported when it runs. */
export type Register = (program: Command, session: Session) => void;
