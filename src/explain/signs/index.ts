import type { Sign } from '../sign.ts';
import { againSigns } from './again.ts';
import { clientSigns } from './clients.ts';
import { codeSigns } from './codes.ts';
import { daemonSigns } from './daemons.ts';
import { gpgSigns } from './gpg.ts';
import { libusbSigns } from './libusb.ts';
import { pcscdSigns } from './pcscd.ts';
import { programSigns } from './programs.ts';
import { scdaemonSigns } from './scdaemon.ts';
import { storySigns } from './story.ts';
import { systemSigns } from './system.ts';
import { systemdSigns } from './systemd.ts';
import { toldSigns } from './told.ts';
import { firstReaderSigns, transcriptSigns } from './transcript.ts';
import { yubicoSigns } from './yubico.ts';

/** Every sign; a fresh list per reading, because some remember the line before. */
export const allSigns = (): readonly Sign[] => [...gpgSigns, ...daemonSigns, ...scdaemonSigns, ...pcscdSigns, ...libusbSigns, ...codeSigns, ...programSigns(), ...clientSigns, ...systemSigns(), ...systemdSigns, ...storySigns, ...toldSigns, ...againSigns, ...yubicoSigns(), ...transcriptSigns(), ...firstReaderSigns()];
