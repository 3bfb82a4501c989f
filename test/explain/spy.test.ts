import { describe, expect, it } from 'vitest';
import { explanationDocument } from '../../src/explain/document.ts';
import { Explainer } from '../../src/explain/explain.ts';
import { renderBlocks } from '../../src/report/text.ts';

// The forms that libpcscspy.c and the script pcsc-spy of pcsc-lite write.
const listing = `SCardEstablishContext
 i dwScope: SCARD_SCOPE_SYSTEM (0x00000002)
 o hContext: 0x5B8E4ACB
 => SCARD_S_SUCCESS [0x00000000]  [0.000254]
SCardConnect
 i hContext: 0x5B8E4ACB
 i szReader Yubico YubiKey OTP+FIDO+CCID 00 00
 i dwShareMode: SCARD_SHARE_SHARED (0x00000002)
 i dwPreferredProtocols: 0x00000003 (T=0, T=1)
 i phCard 0x00000000 (0)
 i pdwActiveProtocol 0x00000000 (0)
 o phCard 0x00000000 (0)
 o dwActiveProtocol: UNKNOWN (0x00000000)
 => SCARD_E_SHARING_VIOLATION [0x8010000B]  [0.001254]
`;
const raw = (mode: string, rv: string): string => ['>|100|5|SCardConnect', '0x5B8E4ACB', 'Reader A 00 00', mode, '0x00000003', 'NULL', 'NULL', '0x0A1B2C3D', '0x00000002', `<|100|905|SCardConnect|${rv}`].map((payload) => `7F00AA11@${payload}\n`).join('');
const transmit = ['>|101|5|SCardTransmit', '0x0A1B2C3D', '0x00000002', '0x00000010', '0x0000000D', '00 20 00 82 08 31 32 33 34 35 36 37 38 ', '0x00000002', '0x00000010', '0x00000002', '90 00 ', '<|101|505|SCardTransmit|0x00000000'].map((payload) => `7F00AA11@${payload}\n`).join('');

function explain(text: string, apdus = false) {
  const explainer = new Explainer({ apdus });
  explainer.push(Buffer.from(text));
  return explainer.finish();
}
const failed = {
  call: 'SCardConnect',
  arguments: { szReader: 'Yubico YubiKey OTP+FIDO+CCID 00 00', dwShareMode: 'SCARD_SHARE_SHARED (0x00000002)' },
  result: 'SCARD_E_SHARING_VIOLATION (0x8010000B)',
  seconds: 0.001254,
  excludes: 'somebody holds the reader EXCLUSIVE; programs that share it cannot be the reason',
};

describe('a listing', () => {
  it('tells the call that failed, its share mode, and what that excludes', () => {
    expect(explain(listing).spy?.failed).toMatchObject([{ line: 5, ...failed }]);
    expect(explain(listing).causes[0]?.id).toBe('scdaemon-holds-card');
  });

  it('reads the same in colours, run together, and from its second half', () => {
    const coloured = listing.replace(/^( [io] .*)$/gm, '\u001b[32m$1\u001b[0m').replace(/^( => SCARD_E.*\]) {2}/gm, '\u001b[01;31m$1 \u001b[0m ');
    expect(explain(coloured).spy?.failed).toMatchObject([failed]);
    expect(explain(listing.replaceAll('\n', '')).spy?.failed).toMatchObject([failed]);
    expect(explain(listing.slice(listing.indexOf('SCardConnect'))).spy?.failed).toMatchObject([failed]);
  });

  it('keeps threads apart', () => {
    const two = 'SCardStatus\n i hCard: 0x00000001\n    SCardBeginTransaction\n     i hCard: 0x00000002\n     => SCARD_S_SUCCESS [0x00000000]  [4.000000]\n => SCARD_E_SHARING_VIOLATION [0x8010000B]  [0.000100]\n';
    const { spy } = explain(two);
    expect(spy?.threads).toBe(2);
    expect(spy?.failed).toMatchObject([{ call: 'SCardStatus', thread: 't0' }]);
    expect(spy?.waited).toMatchObject([{ call: 'SCardBeginTransaction', thread: 't1', seconds: 4 }]);
  });

  it('knows the misspelt SCarControl', () => {
    expect(explain('SCarControl\n i hCard: 0x00000001\n => SCARD_E_NOT_TRANSACTED [0x80100016]  [0.000100]\n').spy?.failed).toMatchObject([{ call: 'SCardControl' }]);
  });
});

describe('a raw stream', () => {
  it('proves that a program blocks itself', () => {
    const explanation = explain(raw('0x00000002', '0x00000000') + raw('0x00000001', '0x8010000B'));
    expect(explanation.causes[0]).toMatchObject({ id: 'client-leaks-connection', certainty: 'proven' });
    expect(explanation.spy?.failed[0]?.seconds).toBeCloseTo(0.0009);
  });

  it('finds a call that never returned', () => {
    const { causes } = explain('7F00AA11@>|100|5|SCardConnect\n7F00AA11@0x5B8E4ACB\n7F00AA11@Reader A 00 00\n7F00AA11@0x00000002\n');
    expect(causes[0]?.id).toBe('other-client-holds-transaction');
  });
});

describe('commands', () => {
  it('are left out unless asked for', () => {
    expect(explain(raw('0x00000002', '0x00000000') + transmit).spy?.apdus).toBeNull();
  });

  it('are shown by their headers, never with a PIN', () => {
    const explanation = explain(raw('0x00000002', '0x00000000') + transmit, true);
    expect(explanation.spy?.apdus).toMatchObject([{ command: '00 20 00 82', dataBytes: 9, status: '9000' }]);
    const said = JSON.stringify(explanation) + renderBlocks(explanationDocument(explanation), { width: 80, colors: false, ascii: false });
    expect(said).not.toMatch(/31 32 33|12345/);
  });

  it('are shown without a PIN, too, where lines of the log ran together', () => {
    const explanation = explain('7F00AA11@>|100|5|SCardConnect\n7F00AA11@>|100|5|SCardConnect 00 20 00 82 08 31 32 33 34 35 36 37 38\n7F00AA11@<|100|9|SCardConnect|0x8010000B\n', true);
    expect(explanation.spy?.calls).toBeGreaterThan(0);
    expect(JSON.stringify(explanation)).not.toContain('31 32 33');
  });
});
