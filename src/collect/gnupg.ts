import type { Facts } from '../snapshot/schema.ts';
import { defineCollector } from './collector.ts';
import { failure, findGnupg } from './gnupg-installation.ts';
import { examinedUser } from './gnupg-user.ts';
import { readScdaemonConfig } from './scdaemon-config.ts';
import { describeScdaemons, scdaemonProcesses } from './scdaemons.ts';

/** Of the deadline of one answer: an agent that hangs must not cost what is known without it. */
const AGENT_SHARE = 1 / 3;

/** GnuPG as the examined user has it: what is installed, how scdaemon is set up, which scdaemons run. Starts no daemon and touches no card. */
export const gnupg = defineCollector({
  name: 'gnupg',
  facts: ['gnupg', 'scdaemonConfig', 'scdaemons'],
  async collect(system, options) {
    const subject = examinedUser(system);
    const found = subject.then((user) => findGnupg(system, user));
    const [installed, running] = await Promise.all([found, scdaemonProcesses(system)]);
    const [config, daemons] = await Promise.all([
      readScdaemonConfig(system, installed).catch(failure),
      describeScdaemons(system, running, installed, await subject, Math.round(options.timeoutMs * AGENT_SHARE)),
    ]);
    return { gnupg: installed.gnupg, scdaemonConfig: config, scdaemons: daemons } satisfies Pick<Facts, 'gnupg' | 'scdaemonConfig' | 'scdaemons'>;
  },
});
