/**
 * Started by a test as a process of its own: keeps a rig with a holder open until it is killed.
 * Says on stdout, in JSON, which processes there are.
 */
import { startRig } from '../../src/rig/rig.ts';

const rig = await startRig();
const holder = await rig.hold(rig.readers[0] ?? '', 'shared');
process.stdout.write(`${JSON.stringify({ hasUsers: rig.hasUsers, pids: [rig.namespace.initPid, rig.pcscd.pid, holder.pid] })}\n`);
setInterval(() => undefined, 60_000);
