import type { Holder, LoadedModule } from '../report/schema.ts';
import type { Process } from '../snapshot/schema.ts';
import { commandOf } from './process-name.ts';

/** What is said of a process that holds, or may hold, a reader. @param modules PKCS#11 modules it has loaded */
export function holderOf(process: Process, { modules = [], ...said }: Pick<Holder, 'access' | 'certainty' | 'evidence'> & { modules?: readonly LoadedModule[] }): Holder {
  const { pid, uid, user, startedAt, unit, tty, parents } = process;
  return {
    pid,
    uid,
    user,
    command: commandOf(process, modules.map(({ file }) => file)),
    since: startedAt,
    modules: [...modules],
    ...said,
    unit,
    terminal: tty,
    parents: parents.map(({ pid: parent, comm }) => ({ pid: parent, command: comm })),
  };
}
