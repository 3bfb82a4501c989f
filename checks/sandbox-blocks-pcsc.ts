import { defineCheck } from '../src/check.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import { withheldFrom } from './refusals.ts';
import { asRoot, quote } from './shell.ts';

export default defineCheck({
  code: 'CC409',
  needs: ['pcscdSocket'],
  wants: ['daemon', 'host'],
  about: ['pcscdSocket'],
  after: ['pcscd-not-running'],
  check({ pcscdSocket, daemon, host }) {
    const { path, kind, mode, writable } = pcscdSocket;
    const flatpak = withheldFrom(pcscdSocket, host);
    if (flatpak !== null)
      return [
        {
          subject: { kind: 'machine', name: `flatpak ${flatpak}` },
          data: { socket: path, user: `The flatpak ${flatpak}` },
          certainty: 'proven',
          evidence: [`/.flatpak-info names no socket pcsc, and ${path} does not exist inside.`],
          remedies: [
            {
              title: 'Give it the socket, in a shell outside of it, and start it again',
              kind: 'lasting',
              commands: [`flatpak override --user --socket=pcsc ${quote(flatpak)}`],
              edits: [],
              price: 'It may use any card.',
            },
          ],
        },
      ];
    if (daemon.status === 'ok' || kind !== 'socket') return [];
    // By mode it may be open all the same to whom a policy stops; then only the refused connect tells.
    const closedByMode = writable === false;
    if (!closedByMode && daemon.status !== 'denied') return [];
    const user = valueOf(host)?.user.name ?? 'This user';
    return [
      {
        subject: { kind: 'user', name: user },
        data: { socket: path, user },
        certainty: 'proven',
        evidence: [
          ...(daemon.status === 'denied' ? [`A connect was refused for want of ${daemon.need}.`] : []),
          ...(mode === null ? [] : [`${path} has mode ${(mode & 0o777).toString(8).padStart(4, '0')}${closedByMode ? ', which is closed to this user' : ''}.`]),
        ],
        remedies: closedByMode
          ? [{ title: 'Open the socket as its unit does', kind: 'now', commands: [asRoot(host, `chmod 666 ${quote(path)}`)], edits: [], price: 'Every user who passes polkit may use the cards.' }]
          : [{ title: 'See what refuses: the kernel logs each denial of AppArmor and SELinux', kind: 'now', commands: [asRoot(host, "journalctl -k -g 'pcscd|DENIED' -n 20")], edits: [], price: null }],
      },
    ];
  },
});
