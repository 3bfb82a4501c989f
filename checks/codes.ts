/**
 * Every code, once, with all its prose. Ids are the vocabulary of root causes; live checks and `explain` share it.
 * CC1xx sharing · CC2xx GnuPG · CC3xx drivers and USB · CC4xx service and access · CC5xx card · CC9xx cardcheck.
 * A number that was released is never used for anything else.
 */
import { type CodeRow, row } from '../src/check.ts';

export const codes = {
  CC401: row<{ socket: string }>({
    id: 'pcscd-not-running',
    layer: 'service',
    severity: 'error',
    title: 'pcscd is not running and nothing would start it',
    passTitle: 'pcscd runs or can be woken',
    message: ({ socket }) => `No pcscd process runs and nobody listens on ${socket}; every PC/SC program gets SCARD_E_NO_SERVICE (0x8010001D).`,
    why: '',
    price: '',
    wrongCure: null,
    sources: [],
  }),
} satisfies Record<`CC${number}`, CodeRow<never>>;

export type Code = keyof typeof codes;
export type Id = (typeof codes)[Code]['id'];
export type DataOf<C extends Code> = (typeof codes)[C] extends CodeRow<infer D> ? D : never;
