import { execFileSync } from 'node:child_process';
import { userId } from '../../src/rig/namespace.ts';

/** What a program says on stdout to a user who is not root and has this home; p11-kit takes root's own files for none. */
export function asOrdinaryUser(home: string, program: string, ...args: string[]): string {
  const { XDG_CONFIG_HOME: _, ...env } = process.env;
  const isRoot = process.getuid?.() === 0;
  if (isRoot) execFileSync('chown', ['-R', `${userId}:${userId}`, home]);
  const command = [...(isRoot ? ['setpriv', `--reuid=${userId}`, `--regid=${userId}`, '--clear-groups'] : []), program, ...args];
  return execFileSync(command[0] as string, command.slice(1), { env: { ...env, HOME: home }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}
