/** Words about readers, devices and their holders that several checks share. */
import type { Certainty, Finding, Holder, ReaderReport } from '../src/report/schema.ts';
import type { UsbDevice } from '../src/snapshot/schema.ts';
import type { Somebody } from './prose/named.ts';

export const readerSubject = (name: string): Finding['subject'] => ({ kind: 'reader', name });
export const deviceSubject = (device: UsbDevice): Finding['subject'] => ({ kind: 'device', name: device.path });

/** "Yubico YubiKey OTP+FIDO+CCID (1050:0407)", as the device calls itself. */
export function deviceName({ manufacturer, product, id }: UsbDevice): string {
  // Some makers begin their products' names with their own.
  const name = [product?.startsWith(manufacturer ?? '') === true ? null : manufacturer, product].filter((part) => part !== null).join(' ');
  return name === '' ? `USB device ${id}` : `${name} (${id})`;
}

/** PC/SC is known not to list the device; one that may be any of several readers counts as listed. */
export const isUnlisted = ({ path, node }: UsbDevice, readers: readonly ReaderReport[]): boolean =>
  readers.some(({ listed, device }) => !listed && (device === path || device === node));

export const somebody = ({ pid, user, command, certainty }: Holder): Somebody => ({ pid, user, command, certainty });

/** A finding that names processes is as sure as the surest of them; one that names none says no more than what was seen. */
export function certaintyOf(holders: readonly Somebody[]): Certainty {
  const order: Certainty[] = ['proven', 'likely', 'possible'];
  return holders.length === 0 ? 'proven' : (order.find((certainty) => holders.some((holder) => holder.certainty === certainty)) ?? 'possible');
}

/** A device below PC/SC may be held as well, but not by a connect that others are refused. */
export const isHeldExclusive = ({ listed, sharing }: ReaderReport): boolean => listed && sharing.mode === 'exclusive';

/** Those who may be the one that holds the reader EXCLUSIVE: only the sure ones where there are any. */
export function exclusiveHolders({ holders }: ReaderReport): Holder[] {
  const suspects = holders.filter(({ access }) => access === 'exclusive' || access === 'unknown');
  const sure = suspects.filter(({ certainty }) => certainty !== 'possible');
  return sure.length > 0 ? sure : suspects;
}

/** What was seen of the reader's state, and why its holders are taken for that. */
export function evidenceFor(reader: ReaderReport, holders: readonly Holder[]): string[] {
  const { sharing, unattributed } = reader;
  const { mode, handles } = sharing;
  const state =
    mode === 'exclusive'
      ? [`pcscd counts an EXCLUSIVE connection on ${reader.name}.`]
      : mode === 'shared'
        ? [`pcscd counts ${handles ?? 'some'} open ${handles === 1 ? 'handle' : 'handles'} on ${reader.name}.`]
        : [];
  const refusals = Object.entries(reader.probes).flatMap(([asked, probe]) =>
    probe?.outcome === 'sharing-violation' ? [`A ${asked} connect was refused with ${probe.code ?? 'SCARD_E_SHARING_VIOLATION'} (${probe.hex ?? '0x8010000B'}).`] : [],
  );
  const unseen = unattributed > 0 ? [`The process behind ${unattributed} ${unattributed === 1 ? 'connection' : 'connections'} could not be seen.`] : [];
  return [...state, ...refusals, ...holders.flatMap(({ evidence }) => evidence), ...unseen];
}
