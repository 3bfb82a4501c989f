import { defineCheck, notApplicable } from '../src/check.ts';
import { valueOf } from '../src/snapshot/fact.ts';

export default defineCheck({
  code: 'CC211',
  needs: [],
  wants: ['gpgAgent'],
  after: ['agent-socket-taken'],
  check({ gpgAgent }) {
    const agent = valueOf(gpgAgent);
    if (agent === undefined) return notApplicable('gpg-agent was not looked at');
    const { sshSupport, sshAuthSock, sshSocket } = agent;
    if (sshSupport !== true || sshAuthSock === null || sshSocket === null || plain(sshAuthSock) === plain(sshSocket)) return [];
    return [
      {
        // It concerns ssh alone; the card is none the worse for it.
        severity: 'info',
        subject: { kind: 'user', name: 'SSH_AUTH_SOCK' },
        data: { sshAuthSock, sshSocket },
        certainty: 'proven',
        evidence: ['enable-ssh-support is in gpg-agent.conf.', `SSH_AUTH_SOCK is ${sshAuthSock}.`],
        remedies: [
          {
            title: 'Let ssh ask gpg-agent',
            kind: 'now',
            commands: ['export SSH_AUTH_SOCK="$(gpgconf --list-dirs agent-ssh-socket)"'],
            edits: [],
            price: 'Keys of the other agent are not offered any more. For good, the line belongs into the shell\'s start file.',
          },
        ],
      },
    ];
  },
});

/** /var/run is a link to /run. */
const plain = (path: string): string => path.replace(/^\/var\/run\//, '/run/');
