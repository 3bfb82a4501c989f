import { identifyProgram } from '../data/client-programs.ts';
import type { Certainty, Holder, ReaderReport } from '../report/schema.ts';
import { valueOf } from '../snapshot/fact.ts';
import type { Facts, Process, Scdaemon, UsbDevice } from '../snapshot/schema.ts';
import { holderOf } from './holder.ts';

/** The kernel's stand-in driver of an interface that some process has claimed (Linux drivers/usb/core/devio.c). */
const CLAIMED = 'usbfs';

const smartCardDrivers = ({ interfaces, ccidInterfaces }: UsbDevice): (string | null)[] =>
  interfaces.filter(({ number }) => ccidInterfaces.includes(number)).map(({ driver }) => driver);

export const isClaimed = (device: UsbDevice): boolean => smartCardDrivers(device).includes(CLAIMED);

/** Exclusive: a process has claimed it. Unknown: a kernel driver or a policy keeps it. */
export function usbMode(device: UsbDevice): ReaderReport['sharing']['mode'] {
  if (isClaimed(device)) return 'exclusive';
  return device.authorized && smartCardDrivers(device).every((driver) => driver === null) ? 'free' : 'unknown';
}

/**
 * Who holds a smart-card device below PC/SC. An open node is not yet a claim, and a claim does not tell whose it is.
 * @param unlisted all devices PC/SC does not list, this one among them
 */
export function usbHolders(device: UsbDevice, unlisted: readonly UsbDevice[], facts: Facts): Holder[] {
  const own = new Set(valueOf(facts.self)?.pids ?? []);
  const seen = valueOf(facts.usbHolders);
  const openers = uniqueByPid((seen?.holders ?? []).filter(({ node, process }) => node === device.node && !own.has(process.pid)).map(({ process }) => process));
  const scdaemons = (valueOf(facts.scdaemons) ?? []).filter(({ usesInternalCcid }) => usesInternalCcid === true);
  const withThread = new Set(scdaemons.map(({ process }) => process.pid));
  const complete = seen !== undefined && seen.unseenProcesses === 0;
  const opened = openers.map((process) =>
    holderOf(process, {
      access: 'usb',
      certainty: openerCertainty(process, device, { openers: openers.length, complete, withThread }),
      evidence: [
        `Process ${process.pid} has ${device.node} open.`,
        ...claimEvidence(device),
        ...(withThread.has(process.pid) ? [THREAD_EVIDENCE] : []),
        ...(complete ? [] : ['The open files of other processes could not be seen.']),
      ],
    }),
  );
  const unseen = complete ? [] : scdaemons.filter(({ process }) => !openers.some(({ pid }) => pid === process.pid));
  return [...opened, ...unseen.map((scdaemon) => byThread(scdaemon, device, unlisted, scdaemons.length, facts))].sort(bySureness);
}

const THREAD_EVIDENCE = 'Its thread ccid_usb_thread shows that scdaemon has a reader open through its internal CCID driver.';

interface View {
  openers: number;
  complete: boolean;
  withThread: ReadonlySet<number>;
}

function openerCertainty(process: Process, device: UsbDevice, { openers, complete, withThread }: View): Certainty {
  if (!isClaimed(device)) return 'possible';
  if (openers === 1) return complete ? 'proven' : 'likely';
  return withThread.has(process.pid) || identifyProgram(process)?.transport === 'usb' ? 'likely' : 'possible';
}

/** A scdaemon whose open files are hidden: its thread tells that it has some device open over USB, but not which. */
function byThread({ process, cardOpen }: Scdaemon, device: UsbDevice, unlisted: readonly UsbDevice[], scdaemons: number, facts: Facts): Holder {
  const claimed = unlisted.filter(isClaimed);
  const devices = (valueOf(facts.usbDevices) ?? []).filter(({ ccidInterfaces }) => ccidInterfaces.length > 0);
  const only = claimed.length === 1 && claimed[0] === device && scdaemons === 1;
  const open = valueOf(cardOpen) === true;
  const certainty: Certainty = only && open && devices.length === 1 ? 'proven' : only ? 'likely' : 'possible';
  const evidence = [THREAD_EVIDENCE, ...claimEvidence(device), ...(open ? ['It says that it has a card open (SCD GETINFO card_list).'] : [])];
  if (devices.length === 1) evidence.push('There is no other smart-card device on the bus.');
  return holderOf(process, { access: 'usb', certainty, evidence });
}

const claimEvidence = (device: UsbDevice): string[] => [isClaimed(device) ? 'Some process has claimed the smart-card interface (driver usbfs).' : 'No process has claimed the smart-card interface.'];

const uniqueByPid = (processes: readonly Process[]): Process[] => [...new Map(processes.map((process) => [process.pid, process])).values()];

const SURENESS: Certainty[] = ['proven', 'likely', 'possible'];
const bySureness = (one: Holder, other: Holder): number => SURENESS.indexOf(one.certainty) - SURENESS.indexOf(other.certainty) || one.pid - other.pid;
