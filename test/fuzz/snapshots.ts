/** Properties of everything that comes in through `--from` and goes out of a snapshot. */
import fc from 'fast-check';
import { diffDocument } from '../../src/diff/document.ts';
import { diffSnapshots } from '../../src/diff/diff.ts';
import { Failure } from '../../src/exit-code.ts';
import { explainText } from '../../src/explain/explain.ts';
import { renderJson } from '../../src/report/json.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { renderBlocks, renderText } from '../../src/report/text.ts';
import { examine } from '../../src/run.ts';
import { ok } from '../../src/snapshot/fact.ts';
import { parseSnapshot } from '../../src/snapshot/load.ts';
import { redact } from '../../src/snapshot/redact.ts';
import { sanitize } from '../../src/snapshot/sanitize.ts';
import { type Process, type Snapshot, snapshotSchema } from '../../src/snapshot/schema.ts';
import { arbitraryOf } from '../support/arbitrary.ts';
import { situation, situations } from '../support/situations.ts';
import { processNamed } from '../support/snapshot.ts';
import { bounded } from './bounded.ts';
import { changed, changes, textOf } from './texts.ts';

const style = { width: 80, colors: false, ascii: false };

/** Everything a terminal obeys, reorders by or hides, and halves of characters; newlines are ours. */
const UNSAFE = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\u061c\ufeff\p{Cs}\u{e0000}-\u{e007f}]/u;

const real = situations.map((name) => JSON.stringify(situation(name)));
const realSnapshots = situations.map(situation);

const words = ['{', '}', '[', ']', ',', ':', '"', '"schemaVersion":1', '"facts":{', '"status":"ok"', '"value":', '"__proto__":{"x":1}', 'null', '-1', '1e999', '"readers"', '[1,'];
const strange = fc.constantFrom('null', '-1', '1e999', '1.5', '""', '[]', '{}', 'true', '{"__proto__":{"status":"ok"}}', '[[[[]]]]', `"${'x'.repeat(70_000)}"`, '['.repeat(5000) + ']'.repeat(5000), '{"a":'.repeat(5000) + '1' + '}'.repeat(5000), '"\\u001b[2J\\ud800"');
/** A JSON scalar, a key with its colon, or an opening bracket: places where one thing can stand for another. */
const PLACES = /"(?:[^"\\]|\\.)*":?|-?\d[\d.eE+-]*|true|false|null/g;

/** A valid snapshot in which values have other types, keys other names, or come twice. */
const retyped = fc.tuple(fc.constantFrom(...real), fc.array(fc.tuple(fc.nat(), strange), { minLength: 1, maxLength: 3 })).map(([text, swaps]) =>
  swaps.reduce((old, [seed, other]) => {
    const places = [...old.matchAll(PLACES)];
    const place = places[seed % Math.max(1, places.length)];
    if (place === undefined) return old;
    const { 0: found, index } = place;
    const put = found.endsWith(':') ? [`"__proto__":`, `"facts":`, `${found}${other},${found}`, `"status":`][seed % 4] as string : other;
    return old.slice(0, index) + put + old.slice(index + found.length);
  }, text),
);
const files = fc.oneof(textOf(words), fc.tuple(fc.constantFrom(...real), changes).map(([text, list]) => changed(text, list)), retyped, fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes).toString('utf8')));

/** Whatever a file holds: a snapshot that can be examined and shown, or a sentence that refuses it. */
export const loads = fc.property(files, (text) => {
  bounded(text.length, () => {
    let snapshot: Snapshot;
    try {
      snapshot = parseSnapshot(text, 'x.json');
    } catch (error) {
      if (!(error instanceof Failure) || error.exitCode !== 65 || error.message.includes('\n') || error.message.length > 8192 || UNSAFE.test(error.message)) throw error;
      return;
    }
    const report = examine(snapshot);
    const crashed = report.checks.find(({ outcome }) => outcome === 'crashed');
    if (crashed !== undefined) throw new Error(`${crashed.id} crashed: ${crashed.reason}`);
    for (const shown of [renderText(report, 'all', style), renderMarkdown(report, snapshot, true)]) if (UNSAFE.test(shown)) throw new Error(`unsafe output: ${JSON.stringify(UNSAFE.exec(shown)?.[0])}`);
  });
});

/** Everything said is visible, and saying it again changes nothing. */
export const sanitizes = fc.property(fc.oneof(fc.json().map((text) => JSON.parse(text) as unknown), fc.anything({ values: [fc.string({ unit: 'binary' }), fc.double(), fc.boolean()], key: fc.string({ unit: 'binary' }) }), textOf(['a', 'Reader 00 00']), fc.string({ unit: 'binary', minLength: 4000, maxLength: 5000 })), (value) => {
  const once = sanitize(value);
  const text = JSON.stringify(once, (_, inner) => inner) ?? '';
  if (/\\u00[01]|\\u007f|\\ud[89a-f]/i.test(text.replace(/\\\\/g, '')) || UNSAFE.test(text)) throw new Error(`unsafe: ${text}`);
  return JSON.stringify(sanitize(once)) === JSON.stringify(once);
});

/** Names no machine has by chance, of the forms that machines have. */
const secrets = fc.record({
  user: fc.constantFrom('zo\u00eb-planted', 'planted_user', 'plantedu', 'planted.user', 'PLANTED\\user', 'planted$user', 'planted+u(1)', '\u043f\u043b\u0430\u043d\u0442'),
  other: fc.constantFrom('second-planted', 'planted2nd'),
  host: fc.constantFrom('plantedhost', 'planted-host.example.org', 'PlantedHost'),
  serial: fc.constantFrom('PLANTED1234', '0099887766', 'PL-AN:TED/1'),
  argument: fc.constantFrom('planted secret', '--password=plantedpw', 'plantedtoken', 'import x; token = "plantedtoken"'),
});
type Secrets = typeof secrets extends fc.Arbitrary<infer S> ? S : never;

/** The programs whose arguments may be looked at to tell what they are. */
const argvs = (secret: string): fc.Arbitrary<string[]> =>
  fc.constantFrom(
    ['/usr/bin/gpg', secret], ['scdaemon', '--multi-server', '--homedir', secret], ['python3', '-c', secret], ['/usr/bin/python3', '/usr/bin/ykman', secret], ['bash', '-c', secret], ['sh', '-ec', secret],
    ['node', '-e', secret], ['node', '--eval', secret], ['perl', '-e', secret], ['ruby', '-e', secret], ['python3', '-X', secret, 'x.py'], ['java', '-Dpassword=x', '-jar', '/opt/x.jar', secret], ['java', '-cp', secret, 'Main'],
    [`/opt/chrome --type=renderer ${secret}`], [`/opt/google/chrome/chrome --user-data-dir=${secret}`], ['pcscd', '--foreground', secret], ['node', '-r', secret, '/srv/x.js'],
  );

const publicText = fc.constantFrom('pcscd', '/usr/lib/x', 'shared', 'Yubico YubiKey CCID 00 00', 'disable-ccid', '3B00', 'scdaemon', 'polkit.service', '/run/pcscd/pcscd.comm');
const snapshots = (planted: Secrets): fc.Arbitrary<Snapshot> => {
  const names = [planted.user, planted.other, planted.host, planted.serial];
  const forms = names.flatMap((name) => [name, `/home/${name}/.gnupg`, `of ${name}.`, `"${name}"`, `/srv/${name}`, `x_${name}:1`, `app-${name}.scope`]);
  const text = fc.oneof({ weight: 2, arbitrary: publicText }, { weight: 1, arbitrary: fc.constantFrom(...forms) });
  return arbitraryOf(snapshotSchema, text) as fc.Arbitrary<Snapshot>;
};

/** The facts by which redaction learns who and what is personal, around an arbitrary rest. */
function withOwners(snapshot: Snapshot, { user, other, host, serial }: Secrets, argv: string[]): Snapshot {
  const base = realSnapshots[0] as Snapshot;
  const known = base.facts.host.status === 'ok' ? base.facts.host.value : undefined;
  if (known === undefined) throw new Error('the base snapshot has a host');
  const holder: Process = processNamed('scdaemon', { user: other, uid: 1001, argv });
  return sanitize({
    ...snapshot,
    redacted: false,
    facts: {
      ...withArguments(snapshot.facts, argv),
      host: ok({ ...known, hostname: host, user: { uid: 1000, name: user, groups: [user] } }, '/etc/os-release'),
      usbHolders: ok({ holders: [{ node: '/dev/bus/usb/001/002', process: holder }], unseenProcesses: 0 }, '/proc'),
      libraryReaders: ok([{ name: `Reader (${serial}) 00 00`, state: 0, atr: null }], 'library'),
    },
  });
}

/** Every process of the facts with these arguments. */
function withArguments<T>(value: T, argv: string[]): T {
  return JSON.parse(JSON.stringify(value), (key, inner) => (key === 'argv' ? argv : inner)) as T;
}

const planted = secrets.chain((secret) => fc.record({ secret: fc.constant(secret), argv: argvs(secret.argument), snapshot: fc.oneof({ weight: 2, arbitrary: snapshots(secret) }, { weight: 1, arbitrary: fc.constantFrom(...realSnapshots) }), other: fc.constantFrom(...realSnapshots) }));

/** What is shared says nothing about persons, in no form it is shared in; and it says the same about the machine. */
export const redacts = fc.property(planted, ({ secret, argv, snapshot: arbitrary, other }) => {
  const snapshot = withOwners(arbitrary, secret, argv);
  const shared = redact(snapshot, { hostname: secret.host });
  const report = examine(shared);
  const diff = diffSnapshots(snapshot, { ...other, redacted: true }, examine);
  const text = renderText(report, 'all', style);
  const outputs = {
    saved: JSON.stringify(shared, null, 2), text, json: renderJson(report), markdown: renderMarkdown(report, shared, true),
    diff: renderBlocks(diffDocument(diff, { a: 'a', b: 'b' }), style) + JSON.stringify(diff), explained: JSON.stringify(explainText(text)),
  };
  for (const [where, said] of Object.entries(outputs)) {
    for (const [what, original] of Object.entries(secret)) {
      // Wrapped prose may break a long word; then its pieces stand on lines of their own.
      for (const form of [original, JSON.stringify(original).slice(1, -1), original.split(' ').at(-1) as string]) if (said.includes(form) || said.replace(/\n */g, '').includes(form)) throw new Error(`${what} ${JSON.stringify(form)} in ${where}: …${said.slice(Math.max(0, said.indexOf(form) - 200), said.indexOf(form) + 60)}`);
    }
  }
  if (JSON.stringify(redact(shared, { hostname: secret.host })) !== JSON.stringify(shared)) throw new Error('a second redaction changes something');
  return true;
});

/** One owner of everything: the same findings with pseudonyms as with names. */
export const sameFindings = fc.property(fc.constantFrom(...realSnapshots), secrets, fc.boolean(), (situated, secret, rename) => {
  const snapshot = rename ? (JSON.parse(JSON.stringify(situated).replaceAll('alice', secret.user.replace(/\\/g, ''))) as Snapshot) : situated;
  const told = (one: Snapshot) => examine(one).findings.map(({ code, id, severity, certainty, subject }) => [code, id, severity, certainty, subject.kind]);
  const [before, after] = [told(snapshot), told(redact({ ...snapshot, redacted: false }, { hostname: secret.host }))].map((list) => JSON.stringify(list));
  if (before !== after) throw new Error(`${before} became ${after}`);
});

export const properties = { loads, sanitizes, redacts, sameFindings };
