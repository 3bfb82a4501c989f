import { defineCheck, notApplicable } from '../src/check.ts';
import { valueOf } from '../src/snapshot/fact.ts';
import { asNamed } from './programs.ts';
import { named } from './prose/named.ts';
import { asOwner } from './shell.ts';

/** systemd listens for gpg-agent until somebody connects (GnuPG doc/examples/systemd-user/gpg-agent.socket). */
const rightful = ['gpg-agent', 'systemd'];

export default defineCheck({
  code: 'CC210',
  needs: [],
  wants: ['gpgAgent', 'host'],
  check({ gpgAgent, host }) {
    const agent = valueOf(gpgAgent);
    if (agent === undefined) return notApplicable('gpg-agent\'s socket was not looked at');
    const { socket, listeners } = agent;
    const [first] = listeners;
    if (socket === null || first === undefined || listeners.some(({ comm }) => rightful.includes(comm))) return [];
    return [
      {
        subject: { kind: 'file', name: socket },
        data: { socket, by: asNamed(first) },
        certainty: 'proven',
        evidence: [`Process ${first.pid} (${first.comm}) listens on ${socket}.`, 'No gpg-agent of this user runs.'],
        remedies: [
          {
            title: `End ${named(asNamed(first))}, so that gpg-agent can have its socket`,
            kind: 'now',
            commands: [asOwner(host, first.uid, `kill ${first.pid}`)],
            edits: [],
            price: 'A login that forwards this socket is cut off; keys of the other agent are not offered any more.',
          },
        ],
      },
    ];
  },
});
