import type { CauseRule } from '../cause.ts';
import { cardRules } from './card.ts';
import { gnupgRules } from './gnupg.ts';
import { serviceRules } from './service.ts';
import { sharingRules } from './sharing.ts';
import { usbRules } from './usb.ts';

const rules = { ...sharingRules, ...usbRules, ...gnupgRules, ...serviceRules, ...cardRules };
export type CauseId = keyof typeof rules;
/** Every root cause that pasted material can speak for. */
export const causeRules: Readonly<Record<CauseId, CauseRule>> = rules;
