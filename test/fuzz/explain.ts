/**
 * Properties of `explain` under hostile input. Used by the fuzzer for as long as wanted (npm run fuzz) and, shortly,
 * by the tests.
 */
import fc from 'fast-check';
import { explainText, Explainer } from '../../src/explain/explain.ts';
import { explanationDocument } from '../../src/explain/document.ts';
import { renderBlocks } from '../../src/report/text.ts';
import { allSigns } from '../../src/explain/signs/index.ts';
import { spyNeedles } from '../../src/explain/spy/grammar.ts';

/** Real pieces of logs, so that random text gets past the search for needles. */
const pieces = [...new Set([...allSigns().flatMap(({ needles }) => needles), ...spyNeedles])];
const shapes = [
  'scdaemon[1] pcsc_connect failed: sharing violation (0x8010000b)', 'pcscd[1]: 00000004 ../src/winscard_svc.c:562:ContextThread() CONNECT for client 12, rv=SCARD_E_SHARING_VIOLATION',
  '7F00AA11@>|100|5|SCardConnect', '7F00AA11@<|100|9|SCardConnect|0x8010000B', '7F00AA11@0x00000001', 'SCardConnect', ' i hContext: 0x5B8E4ACB', ' i szReader Reader 00 00', ' => SCARD_E_SHARING_VIOLATION [0x8010000B]  [0.001254]',
  'gpg: selecting card failed: No such device', 'ERR 100696144 No such device <SCD>', 'users:(("scdaemon",pid=12,fd=3))', '     Active: inactive (dead)', '\u001b[31m', '\r', '\0', '\n', ' ',
];
const word = fc.oneof(fc.constantFrom(...pieces), fc.constantFrom(...shapes), fc.string({ unit: 'binary', maxLength: 40 }));
const line = fc.array(word, { maxLength: 6 }).map((words) => words.join(' '));
const text = fc.array(line, { maxLength: 40 }).map((lines) => lines.join('\n'));
const bytes = fc.oneof(text.map((value) => Buffer.from(value)), fc.uint8Array({ maxLength: 4096 }).map((value) => Buffer.from(value)));

/** A PIN no log holds by chance. */
const pin = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 8, maxLength: 12 }).map((digits) => digits.join('')).filter((digits) => new Set(digits).size >= 4);
const hexOf = (value: string, between: string): string => [...Buffer.from(value)].map((byte) => byte.toString(16).padStart(2, '0')).join(between);

/** The ways a PIN gets into a log: command APDUs in every notation, and words. */
const carriers: readonly ((pin: string) => string)[] = [
  (value) => `00 20 00 82 08 ${hexOf(value, ' ')}`,
  (value) => `APDU: 0C 24 00 83 10 ${hexOf(value, ' ').toUpperCase()}`,
  (value) => `-> 000000 6F 0D 00 00 00 00 1A 00 00 00 00 20 00 81 08 ${hexOf(value, ' ')}`,
  (value) => `raw apdu: 002c008108${hexOf(value, '')}`,
  (value) => `10:20:00:80:08:${hexOf(value, ':')}`,
  (value) => `pkcs11-tool --login --pin ${value}`,
  (value) => `PIN: ${value}`,
  (value) => `new pin = "${value}"`,
  (value) => `yubico-piv-tool -a verify -P ${value}`,
];

/** No crash, an answer of the promised form, whatever the bytes and however they are cut. */
export const survives = fc.property(bytes, fc.integer({ min: 1, max: 700 }), (input, size) => {
  const explainer = new Explainer({ apdus: true });
  for (let at = 0; at < input.length; at += size) explainer.push(input.subarray(at, at + size));
  const explanation = explainer.finish();
  renderBlocks(explanationDocument(explanation), { width: 80, colors: false, ascii: false });
  return explanation.causes.every(({ score, evidence }) => score >= 0 && score <= 1 && evidence.length > 0);
});

/** Cutting the input elsewhere changes nothing. */
export const cutsDoNotMatter = fc.property(text, fc.integer({ min: 1, max: 300 }), (input, size) => {
  const explainer = new Explainer();
  const whole = Buffer.from(input);
  for (let at = 0; at < whole.length; at += size) explainer.push(whole.subarray(at, at + size));
  return JSON.stringify(explainer.finish()) === JSON.stringify(explainText(input));
});

/** A PIN is never repeated, in no notation it came in. */
export const keepsSecrets = fc.property(pin, fc.constantFrom(...carriers), line, line, fc.boolean(), (secret, carry, before, after, spied) => {
  const carried = spied
    ? `7F00AA11@>|100|5|SCardTransmit\n7F00AA11@0x0A1B2C3D\n7F00AA11@0x0000000D\n7F00AA11@00 20 00 82 08 ${hexOf(secret, ' ').toUpperCase()} \n7F00AA11@<|104|5|SCardTransmit|0x8010000B`
    : `${before} ${carry(secret)} ${after}`;
  const explainer = new Explainer({ apdus: true });
  explainer.push(Buffer.from(`${before}\n${carried}\n${after}`));
  const explanation = explainer.finish();
  const said = (JSON.stringify(explanation) + renderBlocks(explanationDocument(explanation), { width: 80, colors: false, ascii: false })).toLowerCase();
  return [secret, hexOf(secret, ' '), hexOf(secret, ''), hexOf(secret, ':')].every((form) => !said.includes(form));
});

export const properties = { survives, cutsDoNotMatter, keepsSecrets };
