import type { Fact, Probe, ReaderState, ShareMode } from '../snapshot/schema.ts';

/**
 * PC/SC as one backend offers it to a diagnosis: look at the table of readers, try one connect and let go.
 * Every call has a deadline that fires; no call ever resets, unpowers or transmits to a card.
 */
export interface PcscPort {
  readonly backend: Probe['backend'];
  /**
   * Makes contact with the service (SCardEstablishContext). May wake a sleeping pcscd: ask first.
   * @param deadlineMs for the whole of it
   */
  open(deadlineMs: number): Promise<Fact<OpenedPcsc>>;
  close(): Promise<void>;
}

export interface OpenedPcsc {
  protocol: { major: number; minor: number } | null;
  announced: { major: number; minor: number } | null;
  /** The version that was announced before and refused; null: none was. */
  refused: { major: number; minor: number } | null;
  /** Entries of the daemon's reader table, where the backend can tell. */
  slots: number | null;
  /** The table of readers, passively. @param deadlineMs the daemon may block while a reader is initialising */
  readers(deadlineMs: number): Promise<Fact<ReaderState[]>>;
  /**
   * SCardConnect in the given mode (DIRECT with protocol 0, others with T=0|T=1, never RAW), then
   * SCardDisconnect with SCARD_LEAVE_CARD. A connect that does not return in time has outcome `blocked`;
   * an EXCLUSIVE one is always disconnected before this settles or the process may end.
   */
  connect(reader: string, mode: ShareMode, deadlineMs: number): Promise<Probe>;
}
