import { type AddonPort, startAddon } from './pcsc/addon.ts';
import { Ahead } from './system/ahead.ts';

/** With one of these, this machine is not examined. */
const ELSEWHERE = /^(?:explain|demo|checks|schema|holders|watch|report|diff|help|-h|--help|-V|--version|--from(?:=.*)?)$/;

export const argv = process.argv.slice(2);
const examines = !argv.some((word) => ELSEWHERE.test(word));
const connects = examines && !argv.includes('--passive') && process.env.CARDCHECK_PASSIVE === undefined;
export const addon: AddonPort | null = connects ? startAddon() : null;
export const ahead: Ahead | null = examines ? new Ahead() : null;
