import { defineCheck, notApplicable } from '../src/check.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import type { Handle, Process } from '../src/snapshot/schema.ts';
import { noService } from './causes.ts';
import { asNamed, insisting } from './programs.ts';
import { endProcess } from './remedies.ts';

/** PCSC_MAX_CONTEXT_THREADS and PCSC_MAX_READER_HANDLES (pcsc-lite src/pcscd.h.in). No sound program comes near half of it. */
const LIMIT = 200;
const MANY = LIMIT / 2;

export default defineCheck({
  code: 'CC106',
  needs: [],
  wants: ['clients', 'handles', 'host'],
  after: noService,
  check({ clients, handles, host }) {
    const connected = valueOf(clients)?.clients;
    if (connected === undefined) return notApplicable('connections to pcscd were not listed');
    const open = valueOf(handles) ?? [];
    return connected.flatMap(({ process, connections }) => {
      if (process === null) return [];
      const own = open.filter(({ pid }) => pid === process.pid);
      const found = tooMany(connections, own) ?? refusedByItself(process, connections, own);
      if (found === null) return [];
      const who = asNamed(process);
      return [
        {
          subject: { kind: 'process' as const, name: who.command },
          data: { process: who, says: found.says },
          certainty: found.certainty,
          evidence: [`Process ${process.pid} has ${connections} connections to pcscd.`, ...(own.length === 0 ? [] : [`pcscd's memory shows ${own.length} handles of it.`])],
          remedies: [endProcess({ ...who, uid: process.uid, unit: process.unit, access: own.some(({ access }) => access !== 'shared') ? 'exclusive' : 'shared' }, host)],
        },
      ];
    });
  },
});

interface Leak {
  says: string;
  certainty: 'likely' | 'possible';
}

function tooMany(connections: number, handles: readonly Handle[]): Leak | null {
  if (connections >= MANY) return { says: `has ${connections} connections to pcscd, which admits ${LIMIT} of all programs together`, certainty: 'likely' };
  const countOn = (reader: string) => handles.filter((handle) => handle.reader === reader).length;
  const full = handles.find(({ reader }) => countOn(reader) >= MANY);
  return full === undefined ? null : { says: `has ${countOn(full.reader)} handles on ${full.reader}, which has room for ${LIMIT} of all programs together`, certainty: 'likely' };
}

/** A program that wants the card alone, has it, and goes on connecting. */
function refusedByItself(process: Process, connections: number, handles: readonly Handle[]): Leak | null {
  const holds = handles.find(({ access }) => access === 'exclusive');
  if (insisting(process) === null || holds === undefined || connections < 2) return null;
  return { says: `holds ${holds.reader} EXCLUSIVE with one of its ${connections} connections, so that a connect through another is refused by its own`, certainty: 'possible' };
}
