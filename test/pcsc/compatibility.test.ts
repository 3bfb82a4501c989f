import { expect, test } from 'vitest';
import { type Agreement, agreementOf, protocolOf } from '../../src/pcsc/compatibility.ts';

const client = (version: string) => ({ version, protocol: null, adapts: null });
const server = (version: string) => ({ version, protocol: null });
const protocol = (minor: number) => ({ major: 4, minor });

const works: Agreement = { works: true };
const stopped: Agreement = { works: false, refusal: 'SCARD_E_SERVICE_STOPPED' };
const noService: Agreement = { works: false, refusal: 'SCARD_E_NO_SERVICE' };

/** By the sources of both sides at these tags: CMD_VERSION in winscard_svc.c, SCardEstablishContextTH in winscard_clnt.c. */
const table: Record<string, Record<string, Agreement>> = {
  '1.8.23': { '1.8.23': works, '1.8.25': noService, '1.9.9': stopped, '2.3.3': stopped, '2.4.1': stopped, '2.5.1': stopped },
  '1.9.9': { '1.8.23': noService, '1.8.25': works, '1.9.9': works, '2.3.3': stopped, '2.4.1': works, '2.5.1': works },
  '2.3.3': { '1.8.23': noService, '1.8.25': noService, '1.9.9': stopped, '2.3.3': works, '2.4.1': works, '2.5.1': works },
  '2.4.1': { '1.8.23': noService, '1.8.25': noService, '1.9.9': works, '2.3.3': works, '2.4.1': works, '2.5.1': works },
  '2.5.1': { '1.8.23': noService, '1.8.25': noService, '1.9.9': works, '2.3.3': works, '2.4.1': works, '2.5.1': works },
};
const pairs = Object.entries(table).flatMap(([library, row]) => Object.entries(row).map(([pcscd, agreement]) => ({ library, pcscd, agreement })));

test.each(pairs)('libpcsclite $library and pcscd $pcscd', ({ library, pcscd, agreement }) => {
  expect(agreementOf(client(library), server(pcscd))).toEqual(agreement);
});

test('what is not known is not guessed', () => {
  // 4:5 is spoken by 2.3.0 to 2.4.0, which refuse 4:4, and by 2.4.1, which takes it.
  expect(agreementOf(client('1.9.9'), { version: null, protocol: protocol(5) })).toBeNull();
  expect(agreementOf({ version: null, protocol: null, adapts: false }, server('2.3.3'))).toBeNull();
  expect(agreementOf(client('1.9.9'), { version: null, protocol: null })).toBeNull();
  expect(agreementOf(client('1.9.9'), { version: null, protocol: protocol(9) })).toBeNull();
  expect(agreementOf(client('1.4.102'), server('2.3.3'))).toBeNull();
});

test('what pcscd took and refused tells its version as well', () => {
  const seen = { version: null, protocol: protocol(5) };
  expect(agreementOf(client('1.9.9'), { ...seen, took: protocol(4) })).toEqual(works);
  expect(agreementOf(client('1.9.9'), { ...seen, took: protocol(5), refused: [protocol(4)] })).toEqual(stopped);
});

test('a library of unknown version is judged by what its file shows', () => {
  const pcscd = server('1.9.9');
  expect(agreementOf({ version: null, protocol: protocol(5), adapts: false }, pcscd)).toEqual(stopped);
  expect(agreementOf({ version: null, protocol: protocol(5), adapts: true }, pcscd)).toEqual(works);
  expect(agreementOf({ version: null, protocol: protocol(5), adapts: null }, pcscd)).toBeNull();
  expect(agreementOf({ version: null, protocol: null, adapts: true }, pcscd)).toEqual(works);
});

test('the refusal is told only where it is the same for all that may run', () => {
  expect(agreementOf(client('2.3.3'), { version: null, protocol: protocol(4) })).toEqual({ works: false, refusal: null });
});

test.each([
  ['1.6.0', 0],
  ['1.8.8', 2],
  ['1.8.23', 3],
  ['1.8.24', 4],
  ['2.2.3', 4],
  ['2.3.0', 5],
  ['2.4.1', 5],
  ['2.5.1', 6],
])('pcsc-lite %s speaks 4:%d', (version, minor) => {
  expect(protocolOf(version)).toEqual({ major: 4, minor });
});

test('a version that is too old or not known has no protocol', () => {
  expect([protocolOf('1.4.102'), protocolOf(null)]).toEqual([null, null]);
});
