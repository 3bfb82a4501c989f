import type { Observation } from '../observation.ts';
import type { Sign } from '../sign.ts';

/** How systemd says that a unit ended badly or was not started (systemd.exec(5), "Process exit codes"; core/unit.c, core/job.c). */
const ENDED = /Main process exited\b(?!.*(?:status=0\/|status=(?:15\/)?TERM)).*(?:status=|code=dumped)|Failed with result '(?!success)|Failed at step|Failed to (?:start|listen on|create listening socket|determine user credentials)|start operation timed out|Start request repeated too quickly|start-limit|Dependency failed for|failed with result 'dependency'|dependency job for|Job for \S+ failed|Trigger limit hit/;
/** The unit, or what it describes: pcscd's is "PC/SC Smart Card Daemon". */
const OF_PCSCD = /pcscd\.(?:service|socket)|PC\/SC Smart Card Daemon/;
const OF_POLKIT = /polkit(?:d)?\.service|Authorization Manager/;
const NAMED_UNIT = /\b[\w@-]+\.(?:service|socket)\b|(?:Dependency failed for|Failed to start) \S/;

function seeEnded(_: RegExpExecArray, text: string): Observation | null {
  if (OF_PCSCD.test(text)) return { name: 'pcscd-died' };
  if (OF_POLKIT.test(text)) return { name: 'polkit-absent-told' };
  return NAMED_UNIT.test(text) ? null : { name: 'pcscd-died' };
}

/** What systemd and a shell say when pcscd, or what it needs, does not start. */
export const systemdSigns: readonly Sign[] = [
  {
    kind: 'systemd',
    needles: ['Main process exited', 'Failed with result', 'Failed at step', 'Failed to start', 'Failed to listen on', 'Failed to create listening', 'Failed to determine user', 'start operation timed', 'Start request repeated', 'start-limit', 'Dependency failed for', "failed with result 'dependency'", 'dependency job for', 'Job for pcscd', 'Trigger limit hit'],
    pattern: ENDED,
    see: (match, text) => (/Unit \S+ (?:not found|is masked|failed to load)/.test(text) ? null : seeEnded(match, text)),
  },
  // dbus-daemon, which starts polkit for whoever asks.
  {
    kind: 'polkit',
    needles: ['org.freedesktop.PolicyKit1', 'polkit.service'],
    pattern: /Failed to activate service .*PolicyKit1|Activation (?:via systemd|request) .*failed.*(?:PolicyKit1|polkit\.service)|Unit polkit\.service (?:is masked|not found|could not be found)/,
    see: () => ({ name: 'polkit-absent-told' }),
  },
  // polkitd, of rules it does not take.
  { kind: 'polkit', needles: ['Error compiling script', 'Error evaluating authorization rules'], see: (_, text) => (/pcsc|smart ?card/i.test(text) ? { name: 'polkit-rule' } : null) },
  // The loader's and the shell's words, before pcscd could say anything.
  { kind: 'systemd', needles: ['pcscd: error while loading', 'pcscd: symbol lookup error', 'sbin/pcscd: error', 'sbin/pcscd: symbol'], see: () => ({ name: 'pcscd-died' }) },
  { kind: 'systemd', needles: ['pcscd: command not found', 'pcscd: unrecognized service', 'pcscd: not found', 'sbin/pcscd: No such file', "service `pcscd' does not exist", "service 'pcscd' does not exist", 'command not found: pcscd'], see: () => ({ name: 'unit', unit: 'pcscd.service', state: 'missing' }) },
];
