/**
 * Every code, once, with all its prose. Ids are the vocabulary of root causes; live checks and `explain` share it.
 * CC1xx sharing · CC2xx GnuPG · CC3xx drivers and USB · CC4xx service and access · CC5xx card · CC9xx cardcheck.
 * A number that was released is never used for anything else.
 */
import type { CodeRow } from '../src/check.ts';
import { access } from './prose/access.ts';
import { card } from './prose/card.ts';
import { drivers } from './prose/drivers.ts';
import { gnupg } from './prose/gnupg.ts';
import { self } from './prose/self.ts';
import { sharing } from './prose/sharing.ts';

export const codes = { ...sharing, ...gnupg, ...drivers, ...access, ...card, ...self } satisfies Record<`CC${number}`, CodeRow<never>>;

export type Code = keyof typeof codes;
export type Id = (typeof codes)[Code]['id'];
export type DataOf<C extends Code> = (typeof codes)[C] extends CodeRow<infer D> ? D : never;
