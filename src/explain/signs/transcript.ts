import type { Sign } from '../sign.ts';

/** A command at a prompt, or alone on its line, and whether root ran it. */
const COMMAND = /^[\s>]*(?:\S{0,60}[$#%❯➜] ?|\$ ?)?(sudo (?:-\w+ )*)?(?:\S*\/)?(?:ykman|gpg2?|pcsc_scan|opensc-tool|pkcs11-tool|yubico-piv-tool)(?= )/;
/** What these programs print of a card they reached. */
const REACHED = /^(?:Application ID \.\.\.|Device type: |Serial number: +\d|PIV version: |OpenPGP version: |YubiKey \d.{0,60}(?:Serial: \d|\[)|\s*Card state: Card inserted|Slot 0 \(0x0\): )/;

/** What a paste of a terminal shows and says nowhere: the same program fails, and run by root it reaches the card. */
export function transcriptSigns(): readonly Sign[] {
  let byRoot = false;
  let byUser = false;
  return [
    {
      kind: 'command',
      needles: ['ykman ', 'gpg --', 'gpg2 --', 'pcsc_scan ', 'opensc-tool ', 'pkcs11-tool ', 'yubico-piv-tool ', 'Application ID ...', 'Device type: ', 'Serial number:', 'Serial: ', 'PIV version: ', 'OpenPGP version: ', 'Card inserted', 'Slot 0 (0x0)'],
      see: (_, text) => {
        const command = COMMAND.exec(text);
        if (command !== null) {
          byRoot = command[1] !== undefined;
          byUser ||= !byRoot;
          return null;
        }
        if (!byRoot || !byUser || !REACHED.test(text)) return null;
        byRoot = false;
        return { name: 'root-works' };
      },
    },
  ];
}

/** pyscard gives an empty list where it has no reader, and scripts take the first of it. */
export function firstReaderSigns(): readonly Sign[] {
  let takesFirst = false;
  return [
    {
      kind: 'client',
      needles: ['readers()[', 'readers[0]', 'reader_list[0]', 'list index out of range'],
      pattern: /readers?(?:_list)?(?:\(\))?\[|IndexError: list index out of range/,
      see: (match) => {
        if (!match[0].startsWith('IndexError')) {
          takesFirst = true;
          return null;
        }
        if (!takesFirst) return null;
        takesFirst = false;
        return [{ name: 'no-reader' }, { name: 'service-answers' }];
      },
    },
  ];
}
