import type { Facts } from '../snapshot/schema.ts';
import { defineCollector } from './collector.ts';
import { readAgent, readHome } from './gnupg-home.ts';
import { failure, findGnupg } from './gnupg-installation.ts';
import { examinedUser } from './gnupg-user.ts';
import { readScdaemonConfig } from './scdaemon-config.ts';
import { describeScdaemons, scdaemonProcesses } from './scdaemons.ts';

/** Of the deadline of one answer: an agent that hangs must not cost what is known without it. */
const AGENT_SHARE = 1 / 3;

/** GnuPG as the examined user has it: what is installed, how scdaemon is set up, which scdaemons run. Starts no daemon and touches no card. */
export const gnupg = defineCollector({
  name: 'gnupg',
  facts: ['gnupg', 'gnupgHome', 'gpgAgent', 'scdaemonConfig', 'scdaemons'],
  async collect(system, options) {
    const subject = examinedUser(system);
    const found = subject.then((user) => findGnupg(system, user));
    const [installed, running] = await Promise.all([found, scdaemonProcesses(system)]);
    const user = await subject;
    const [config, daemons, home, agent] = await Promise.all([
      readScdaemonConfig(system, installed).catch(failure),
      describeScdaemons(system, running, installed, user, Math.round(options.timeoutMs * AGENT_SHARE)),
      readHome(system, installed, user),
      readAgent(system, installed, user).catch(failure),
    ]);
    return { gnupg: installed.gnupg, gnupgHome: home, gpgAgent: agent, scdaemonConfig: config, scdaemons: daemons } satisfies Pick<Facts, 'gnupg' | 'gnupgHome' | 'gpgAgent' | 'scdaemonConfig' | 'scdaemons'>;
  },
});
