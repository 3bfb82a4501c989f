/** Every pure parser on text made of its own grammar's words: it ends, in time that grows with the text, with a value of the promised form. */
import fc from 'fast-check';
import * as z from 'zod';
import { parseSecurityDevices } from '../../src/collect/browser-policies.ts';
import { readAssignments } from '../../src/collect/environment-file.ts';
import { parsePkcs11Txt } from '../../src/collect/nss-databases.ts';
import { parseP11KitFile } from '../../src/collect/p11-kit.ts';
import { parseBuild } from '../../src/collect/pcscd.ts';
import { parsePlist } from '../../src/collect/plist.ts';
import { parseReaderConf } from '../../src/collect/reader-conf.ts';
import { parseSs, parseUnixTable } from '../../src/collect/unix-sockets.ts';
import { parseDescriptors } from '../../src/collect/usb.ts';
import { isAtLeast } from '../../src/collect/version.ts';
import { withoutSecrets } from '../../src/explain/secrets.ts';
import { allSigns } from '../../src/explain/signs/index.ts';
import { Explainer } from '../../src/explain/explain.ts';
import { AssuanReplies, redirectedSocket } from '../../src/gnupg/assuan.ts';
import { parseConfig } from '../../src/gnupg/config-grammar.ts';
import { parseComponents, parseListDirs } from '../../src/gnupg/gpgconf.ts';
import { assumeOptionTable, parseOptionTable } from '../../src/gnupg/option-table.ts';
import { configMessages } from '../../src/gnupg/verdict.ts';
import { parseVersion, versionInBanner } from '../../src/gnupg/version.ts';
import { matchesGlob } from '../../src/glob.ts';
import { readLibraryImage } from '../../src/pcsc/library-image.ts';
import { parseStat, ttyName } from '../../src/system/process.ts';
import { bounded } from './bounded.ts';
import { textOf } from './texts.ts';

/** A parser on text; what it returns must be as `form` says, where it says anything. */
function parses(words: readonly string[], parse: (text: string) => unknown, form?: z.ZodType) {
  return fc.property(textOf(words), (text) => {
    const value = bounded(text.length, () => parse(text));
    const problem = form?.safeParse(value).error;
    if (problem !== undefined) throw new Error(`${JSON.stringify(value)}: ${z.prettifyError(problem)}`);
  });
}

const scdaemonOptions = `disable-ccid:1:0:do not use the internal CCID driver:
pcsc-shared:2:0:use PC/SC shared:
reader-port:3:2:|N|connect to reader at port N:
debug:4:20:|LEVEL|set debug:
card-timeout:5:4:|N|disconnect after N seconds:
listen-backlog:6:1:|N|:
ctapi-driver:7:66:@:
disable-keypad:8:64:@:
log-file:9:10:|FILE|:
`;
const knownOptions = parseOptionTable(scdaemonOptions);
if (knownOptions === null) throw new Error('an option table');
const optionNames = [...knownOptions.keys()];
const configWords = [...optionNames, ...['force', 'ignore', '-ignore', 'ignore-all', 'user alice', 'user *', 'if a = a', 'if x -n', 'if 1 -v3le 2', 'else', 'fi', 'let x y', 'verbose'].map((name) => `[${name}]`), '[', ']', '#', '"', '0x1f', '017', '-5', ' ', '\t', '\v', '\f', '\r\n', 'ignore-invalid-option', 'alias', '$(x)', '\ufeff'];
const configForm = z.object({
  lines: z.array(z.object({ file: z.string(), line: z.int().min(1), option: z.enum(optionNames as [string, ...string[]]), value: z.string().nullable() })),
  problems: z.array(z.object({ file: z.string(), line: z.int().min(1).nullable(), text: z.string().max(201).nullable(), effect: z.enum(['rejected', 'overridden', 'unevaluated', 'unreadable']), message: z.string() })),
});

const nullableInt = z.int().nullable();

/** What makes each byte parser look closer. */
const descriptor = fc.constantFrom([18, 1, 0, 2], [9, 2, 93, 0, 1, 1, 0, 128, 50], [9, 4, 0, 0, 3, 11, 0, 0, 0], [54, 33, 16, 1, 0, 7, 3, 0, 0, 0], [0], [1], [255, 4], [9, 4]);
const descriptors = fc.array(fc.oneof(descriptor, fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 60 })), { maxLength: 40 }).map((parts) => Buffer.from(parts.flat()));

const ELF_WORDS = ['Your pcscd is too old and does not support CMD_VERSION', 'libpcsclite_real.so.1', 'Using backward compatibility', '.text', '.rodata', '.bss'];
const elf = fc.tuple(fc.array(fc.constantFrom(0, 1, 2, 4, 62, 64, 183, 255, 4096, 2 ** 31), { minLength: 20, maxLength: 200 }), fc.array(fc.constantFrom(...ELF_WORDS), { maxLength: 4 }), fc.nat(5)).map(([numbers, texts, pairs]) => {
  const head = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0]);
  const body = Buffer.alloc(numbers.length * 4);
  numbers.forEach((number, index) => body.writeUInt32LE(number, index * 4));
  const version = Buffer.from([0x48, 0xb8, 4, 0, 0, 0, 4, 0, 0, 0]);
  return Buffer.concat([head, body, ...texts.map((text) => Buffer.from(`${text}\0`)), ...Array.from({ length: pairs * pairs * pairs }, () => version)]);
});

const signs = allSigns();
const pumps = ['a', '1', ' ', '0', '(', ')', ':', '"', '0x', '00 ', 'a ', '1 1 ', '1.', '[', ']', ', ', '/', '-', '=', 'pid=1,', '\t', 'SCARD_E_', 'ab:', 'é', "'", '.', 'to ', 'the ', 'is ', 'not ', 'card ', 'reader '];

export const properties = {
  scdaemonConf: fc.property(textOf(configWords), textOf(configWords), fc.constantFrom('alice', null), (global, own, user) => {
    const parsed = bounded(global.length + own.length, () => parseConfig([{ path: '/etc/gnupg/scdaemon.conf', text: global, global: true }, { path: '/home/a/scdaemon.conf', text: own, global: false }], knownOptions, user));
    const problem = configForm.safeParse(parsed).error;
    if (problem !== undefined) throw new Error(z.prettifyError(problem));
  }),
  optionTable: parses([...scdaemonOptions.split('\n'), 'a:1:0::', '--debug', ':'], (text) => [parseOptionTable(text), assumeOptionTable(text)]),
  gpgconf: parses(['homedir:', 'agent-socket:', '%2f', '%c3', '%', 'scdaemon:Smartcards:', '/usr/lib', ':'], (text) => [parseListDirs(text), parseComponents(text), parseVersion(text), versionInBanner(text), configMessages(text, ['/a'])]),
  assuan: fc.property(textOf(['OK', 'ERR 100663404', 'S SERIALNO', 'D ', '%0A', 'INQUIRE', '# ', '\n', '%Assuan%\nsocket=', '${HOME}', '${']), fc.integer({ min: 1, max: 500 }), (text, size) => {
    bounded(text.length, () => {
      redirectedSocket(text, () => 'x');
      const replies = new AssuanReplies();
      try {
        for (let at = 0; at < text.length; at += size) for (const reply of replies.push(text.slice(at, at + size))) if (reply !== 'inquiry' && !Number.isSafeInteger(reply.error)) throw new TypeError('error is no number');
      } catch (error) {
        if ((error as Error).constructor !== Error) throw error;
      }
    });
  }),
  plist: parses(['<key>', '</key>', '<string>', '</string>', '<array>', '</array>', '<key>ifdVendorID</key>', '<string>0x1050</string>', '<!--', '-->', '&lt;', '&amp;', '&#x0;', '<!DOCTYPE x [<!ENTITY a "b">]>', '<dict>'], parsePlist, z.map(z.string(), z.union([z.string(), z.array(z.string())])).nullable()),
  readerConf: parses(['FRIENDLYNAME', 'DEVICENAME', 'LIBPATH', 'CHANNELID', '"A reader"', "'", '"', '#', '/dev/ttyS0', '0x1', '\\'], parseReaderConf, z.object({ readers: z.array(z.object({ friendlyName: z.string() })), error: z.string().nullable(), required: z.array(z.object({ path: z.string(), line: z.int() })) })),
  assignments: parses(['PRETTY_NAME=', 'ID=', 'A="', "'", '\\', '\\\n', '#', '__proto__=x', 'constructor=', 'PCSCD_ARGS=--disable-polkit'], readAssignments, z.record(z.string(), z.string())),
  p11Kit: parses(['module:', 'enable-in:', 'disable-in : a, b', '# x', ':', ' ', '\t', '\r\n', 'x-init-reserved:', '__proto__:'], parseP11KitFile, z.map(z.string().min(1), z.string())),
  pkcs11Txt: parses(['library=', 'library="/a b.so"', 'name=OpenSC', 'NSS=', '\n\n', '\n \t\r', '"', '#', '='], parsePkcs11Txt, z.array(z.object({ library: z.string().min(1), name: z.string().nullable() }))),
  policies: parses(['{"policies": {"SecurityDevices": {"Add": {', '"OpenSC": "/x.so"', '"__proto__": "/y.so"', ',', '}', '}}}}', '[', 'null', '1', '"Delete": []'], parseSecurityDevices, z.array(z.tuple([z.string(), z.string()])).nullable()),
  ss: parses(['u_str', 'ESTAB', 'LISTEN', '0', '/run/pcscd/pcscd.comm', '*', '4711', '@abstract 1 2', 'users:(("scdaemon",pid=12,fd=3))', '",pid=', 'u_str ESTAB 0 0 /run/pcscd/pcscd.comm 4711 * 4712 users:(("a",pid=1,fd=2))', '1 1 1 1'], parseSs, z.array(z.object({ state: z.string(), path: z.string().nullable(), inode: z.string(), peer: z.string(), users: z.array(z.object({ pid: z.int(), fd: z.int() })) }))),
  unixTable: parses(['0000000000000000: 00000002 00000000 00010000 0001 01 4711 /run/pcscd/pcscd.comm', '0000000000000000:', '00000003', ' ', '03', '4711', '@'], parseUnixTable),
  procStat: parses(['1 (a b) S 1 1 1 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 12345', '(', ')', ' ', 'Z', '-1', '9007199254740993', '1e9'], parseStat, z.object({ comm: z.string(), ppid: z.int(), ttyNumber: z.int(), startTicks: z.int(), kernelThread: z.boolean() }).nullable()),
  tty: fc.property(fc.oneof(fc.integer(), fc.maxSafeInteger()), (number) => number === 0 || typeof ttyName(number) === 'string'),
  pcscdBuild: parses(['pcsc-lite version ', '2.3.3', '1.9.9', 'Enabled features:', ' ipcdir=/run/pcscd', ' polkit', ' usbdropdir=', 'Copyright', '-'], (text) => [parseBuild(text), isAtLeast(text, '2.0.0')]),
  glob: fc.property(textOf(['*', '?', '[', ']', 'Yubi', '!', 'a', '\\']), textOf(['a', 'Yubi', 'a*']), (pattern, name) => {
    // What a command line and a snapshot hold at most.
    const [short, cut] = [pattern.slice(0, 1000), name.slice(0, 4096)];
    return typeof bounded(cut.length, () => matchesGlob(short, cut)) === 'boolean';
  }),
  usbDescriptors: fc.property(descriptors, (bytes) => bounded(bytes.length, () => parseDescriptors(bytes)).every(({ number }) => Number.isInteger(number))),
  libraryImage: fc.property(elf, (bytes) => {
    const image = bounded(bytes.length, () => readLibraryImage(bytes));
    return image === null || nullableInt.safeParse(image.slots).success;
  }),
  secretsInTime: fc.property(textOf(['00 20 00 82 08', '31 32', 'PIN', 'pin = ', 'is', '--pin', ' -P ', 'aabb', '0020008108', ':', '=', '"', 'admin', 'new ']), (text) => {
    const hidden = bounded(text.length, () => withoutSecrets(text));
    return hidden.length <= text.length * 20 + 40;
  }),
  /** No sign's expression works more than the line is long. */
  signsInTime: fc.property(fc.constantFrom(...signs), fc.nat(), fc.nat(), fc.constantFrom(...pumps), fc.constantFrom(...pumps), fc.constantFrom(1, 2, 3), fc.boolean(), (sign, first, second, pump, other, times, wide) => {
    const { needles } = sign;
    const needle = (seed: number) => needles[seed % needles.length] as string;
    // Four KiB are what an expression gets to see; a literal and what may stand around it, over and over.
    const unit = wide ? `${needle(first)}${pump.repeat(times)}` : pump;
    const line = `${other}${needle(first)}${unit.repeat(Math.ceil(3500 / unit.length))}${other}${needle(second)}`.slice(0, 4096);
    bounded(1024, () => sign.pattern?.exec(line));
  }),
  /** Nor the whole of it, on a line of any length. */
  longLines: fc.property(fc.constantFrom(...signs), fc.nat(), fc.constantFrom(...pumps), fc.constantFrom(100, 5000, 20_000), fc.constantFrom('', '\n'), (sign, seed, pump, length, between) => {
    const unit = `${sign.needles[seed % sign.needles.length]}${pump}${between}`;
    const text = Buffer.from(unit.repeat(Math.ceil(length / unit.length)));
    bounded(text.length, () => {
      const explainer = new Explainer();
      explainer.push(text);
      return explainer.finish();
    });
  }),
};


