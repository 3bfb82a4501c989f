/** What programs do with cards, by what is known of them. */
import { type ClientProgram, identifyProgram } from '../src/data/client-programs.ts';
import type { Process } from '../src/snapshot/schema.ts';

type Named = { command: string; pid: number; user: string | null };

export const asNamed = (process: Process): Named => ({ command: identifyProgram(process)?.label ?? process.comm, pid: process.pid, user: process.user });

/** Programs whose connect fails where anybody else has a handle; scdaemon is a matter of its own. */
export function insisting(process: Process): ClientProgram | null {
  const program = identifyProgram(process);
  return program?.connects === 'exclusive' && program.id !== 'scdaemon' ? program : null;
}
