/** The private pcscd cannot be built on this machine; `help` says what would make it possible, as lines for a terminal. */
export class RigError extends Error {
  readonly help: readonly string[];
  constructor(message: string, help: readonly string[] = []) {
    super(message);
    this.name = 'RigError';
    this.help = help;
  }
}
