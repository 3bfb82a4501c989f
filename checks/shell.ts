/** Commands that run as they stand in a POSIX shell, for whoever reads the report. */
import type { Fact, Host } from '../src/snapshot/schema.ts';

/** One word of a command. */
export const quote = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

const isRoot = (host: Fact<Host>): boolean => host.status === 'ok' && host.value.root;

export const asRoot = (host: Fact<Host>, command: string): string => (isRoot(host) ? command : `sudo ${command}`);

/** As another user, with that user's home: GnuPG finds its directory through HOME. */
export const asUser = (host: Fact<Host>, user: string, command: string): string =>
  isRoot(host) ? `su - ${quote(user)} -c ${quote(command)}` : `sudo -H -u ${quote(user)} ${command}`;

/** As the user with this uid, who may be the reader himself. */
export const asOwner = (host: Fact<Host>, uid: number, command: string): string =>
  host.status === 'ok' && host.value.user.uid === uid ? command : asRoot(host, command);
