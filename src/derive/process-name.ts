import { identifyProgram } from '../data/client-programs.ts';
import type { Process } from '../snapshot/schema.ts';

const basename = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
const INTERPRETER = /^(?:python|perl|ruby|node|bash|dash|sh)[\d.]*$/;
/** Labels of a kind of program (`a virtual machine`): the process's own name says more. */
const KIND = /^an? /;

/** Longer names are cut: a program may call itself anything. */
const MAX_NAME = 60;
const shortened = (name: string): string => (name.length > MAX_NAME ? `${name.slice(0, MAX_NAME - 1)}…` : name);

/** What Firefox and Node 24 name their main thread: the kernel takes it for the name of the process. */
const MAIN_THREAD = 'MainThread';

/** The kernel's name is cut after 15 characters; the program's file or first argument may have it whole. */
function ownName({ comm, argv, exe }: Process): string {
  const [first, script] = argv;
  if (script !== undefined && !script.startsWith('-') && first !== undefined && INTERPRETER.test(basename(first))) return `${basename(script)} (${basename(first)})`;
  const files = [exe, first].flatMap((path) => (path == null ? [] : [basename(path)]));
  const whole = files.find((name) => comm === MAIN_THREAD || (name.startsWith(comm) && comm !== ''));
  return whole ?? comm;
}

/**
 * What its user calls a process: `scdaemon`, `Firefox (snap)`, `opensc-pkcs11 in Firefox`, `ykman (docker 4f1e…)`.
 * @param modules PKCS#11 modules it has loaded; the card is used by them then
 */
export function commandOf(process: Process, modules: readonly string[] = []): string {
  const program = identifyProgram(process);
  const name = program === null || KIND.test(program.label) ? shortened(ownName(process)) : program.label;
  const inside = confined(name, process.confinement);
  const host = program === null || program.transport === 'host';
  const loaded = modules.map((module) => basename(module).replace(/\.so[.\d]*$/, ''));
  return host && loaded.length > 0 ? `${loaded.join(', ')} in ${inside}` : inside;
}

function confined(name: string, confinement: Process['confinement']): string {
  switch (confinement?.kind) {
    case undefined:
    case 'namespace':
      return name;
    case 'container':
      return `${name} (${confinement?.name})`;
    default: {
      const { kind, name: app } = confinement as NonNullable<typeof confinement>;
      return app.toLowerCase() === name.toLowerCase() ? `${name} (${kind})` : `${name} (${kind} ${app})`;
    }
  }
}
