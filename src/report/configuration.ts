import type { Facts, FactValue } from '../snapshot/schema.ts';
import { valueOf } from '../snapshot/fact.ts';

/** One line, or file, that is in force. */
export interface Setting {
  /** Path, or what says it where that is no file. */
  file: string;
  /** null: the file as a whole, or its line is not known. */
  line: number | null;
  /** What it sets, without its value. */
  option: string;
  value: string | null;
}

/** Everything that was configured and works, of GnuPG, pcscd, systemd and polkit. */
export function settingsOf({ scdaemonConfig, pcscdConfig, pcscdProcesses, pcscdUnits, polkit, pcscdSocket }: Facts): Setting[] {
  const socket = valueOf(pcscdSocket);
  return [
    ...(valueOf(scdaemonConfig)?.lines ?? []),
    ...(pcscdConfig.status === 'ok' ? ofPcscd(pcscdConfig.value) : []),
    ...(valueOf(pcscdProcesses) ?? []).flatMap(({ process: { argv } }) => (argv.length < 2 ? [] : [{ file: 'command line of pcscd', line: null, option: argv.slice(1).join(' '), value: null }])),
    ...(valueOf(pcscdUnits) ?? []).flatMap(({ name, dropIns }) => dropIns.map((file) => whole(file, `drop-in of ${name}`))),
    ...(valueOf(polkit)?.rules ?? []).map((file) => whole(file, 'polkit rules')),
    ...(socket?.from === 'PCSCLITE_CSOCK_NAME' ? [{ file: 'environment', line: null, option: socket.from, value: socket.path }] : []),
  ];
}

function ofPcscd({ environment, environmentFiles, readerConf }: FactValue<'pcscdConfig'>): Setting[] {
  const file = environmentFiles.join(', ') || "pcscd's environment";
  return [
    ...Object.entries(environment).map(([option, value]) => ({ file, line: null, option, value })),
    ...readerConf.map(({ file, readers, error }) => ({ file, line: null, option: 'reader.conf', value: error ?? readers.join(', ') })),
  ];
}

const whole = (file: string, option: string): Setting => ({ file, line: null, option, value: null });

/** "/etc/gnupg/scdaemon.conf:3" */
export const placeOf = ({ file, line }: Setting): string => (line === null ? file : `${file}:${line}`);

/** The line as it would be written. */
export const textOf = ({ option, value }: Setting): string => (value === null ? option : `${option} ${value}`);
