/** Commands that run as they stand in a POSIX shell, for whoever reads the report. */
import type { Fact, Host } from '../src/snapshot/schema.ts';

/** One word of a command. */
export const quote = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

/** In whose shell the commands will run: under sudo that of the user who called it. */
const shellUser = (host: Fact<Host>): number | null => (host.status === 'ok' ? (host.value.calledBy?.uid ?? host.value.user.uid) : null);

export const asRoot = (host: Fact<Host>, command: string): string => (shellUser(host) === 0 ? command : `sudo ${command}`);

/** As another user, with that user's home: GnuPG finds its directory through HOME. */
export const asUser = (host: Fact<Host>, user: string, command: string): string =>
  shellUser(host) === 0 ? `su - ${quote(user)} -c ${quote(command)}` : `sudo -H -u ${quote(user)} ${command}`;

export const isShellOf = (host: Fact<Host>, uid: number): boolean => shellUser(host) === uid;

/** As the user with this uid, who may be the one at the shell. */
export const asOwner = (host: Fact<Host>, uid: number, command: string): string => (isShellOf(host, uid) ? command : asRoot(host, command));
