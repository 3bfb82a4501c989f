import { perRun } from '../system/per-run.ts';
import type { System } from '../system/port.ts';
import { userNames } from '../system/process.ts';

const PASSWD_LIMIT = 1024 * 1024;

/** Whose GnuPG is looked at. */
export interface User {
  uid: number;
  name: string | null;
  home: string | null;
  /** Called cardcheck through sudo: the GnuPG in question is theirs, not root's. */
  throughSudo: boolean;
}

/** The user who runs cardcheck, or who called it through sudo. */
export async function examinedUser(system: System): Promise<User> {
  const sudo = system.env('SUDO_UID') ?? '';
  const throughSudo = system.uid === 0 && /^[1-9]\d{0,9}$/.test(sudo);
  const uid = throughSudo ? Number(sudo) : system.uid;
  const [names, homes] = await Promise.all([userNames(system), homeFolders(system)]);
  const home = throughSudo ? undefined : system.env('HOME');
  return { uid, name: names.get(uid) ?? null, home: home ?? homes.get(uid) ?? null, throughSudo };
}

/** Home folders by uid from /etc/passwd. */
export const homeFolders = perRun(async (system): Promise<ReadonlyMap<number, string>> => {
  const text = await system.readFile('/etc/passwd', PASSWD_LIMIT).catch(() => '');
  const rows = text.split('\n').map((line) => line.split(':'));
  return new Map(rows.reverse().flatMap(([, , uid, , , home]) => (uid !== undefined && /^\d+$/.test(uid) && home !== undefined ? [[Number(uid), home] as const] : [])));
});
