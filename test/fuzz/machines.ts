/** Whole runs over machines whose files, links and programs say anything: collected, saved, loaded, examined, shown. */
import fc from 'fast-check';
import * as z from 'zod';
import { collect } from '../../src/collect/index.ts';
import { renderJson } from '../../src/report/json.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import { renderText } from '../../src/report/text.ts';
import { examine } from '../../src/run.ts';
import { parseSnapshot } from '../../src/snapshot/load.ts';
import { snapshotSchema } from '../../src/snapshot/schema.ts';
import { passive } from '../support/root.ts';
import { memorySystem, type Tree, trees } from './memory-system.ts';
import { type Change, changed, changes } from './texts.ts';

const names = [...trees.keys()];
const treeOf = (name: string): Tree => trees.get(name) as Tree;

/** Which of a list, as a share of it: it shrinks with the list. */
const pick = <T>(list: readonly T[], share: number): T | undefined => list[Math.floor(share * list.length)];
const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

interface Damage {
  kind: 'change' | 'remove' | 'exchange' | 'noise' | 'link' | 'command';
  at: number;
  other: number;
  changes: Change[];
  noise: Uint8Array;
}
const damage: fc.Arbitrary<Damage> = fc.record({ kind: fc.constantFrom('change', 'change', 'change', 'remove', 'exchange', 'noise', 'link', 'command'), at: share, other: share, changes, noise: fc.uint8Array({ maxLength: 300 }) });

function damaged(tree: Tree, list: readonly Damage[]): Tree {
  const files = new Map(tree.files);
  const links = new Map(tree.links);
  const commands = { ...tree.machine.commands };
  for (const { kind, at, other, changes: edits, noise } of list) {
    const paths = [...files.keys()].filter((path) => path !== '/machine.json');
    const [path, from] = [pick(paths, at), pick(paths, other)];
    const link = pick([...links.keys()], at);
    const command = pick(Object.keys(commands), at);
    if (kind === 'command' && command !== undefined) {
      const { stdout = '', ...rest } = commands[command] ?? {};
      commands[command] = { ...rest, stdout: changed(stdout, edits) };
    } else if (kind === 'link' && link !== undefined) {
      links.set(link, changed(links.get(link) as string, edits).replaceAll('\0', ''));
    } else if (path !== undefined && from !== undefined) {
      if (kind === 'remove') files.delete(path);
      else if (kind === 'exchange') files.set(path, files.get(from) as Buffer);
      else if (kind === 'noise') files.set(path, Buffer.from(noise));
      // latin1: every byte stays what it is.
      else files.set(path, Buffer.from(changed((files.get(path) as Buffer).toString('latin1'), edits.map((edit) => ({ ...edit, with: Buffer.from(edit.with).toString('latin1') }))), 'latin1'));
    }
  }
  return { files, links, machine: { ...tree.machine, commands } };
}

/** What JavaScript says where a program is wrong, and a machine never. */
const BUG = /is not (?:a function|iterable|defined)|Cannot read prop|of undefined|of null|Maximum call stack|Invalid array length|out of range|Invalid time value|Cannot convert/;

const style = { width: 80, colors: false, ascii: false };

/** Every fact has a value of its schema or a reason that is the machine's; the same is found in it live and replayed. */
const examined = fc.asyncProperty(fc.constantFrom(...names), fc.array(damage, { minLength: 1, maxLength: 6 }), async (name, list) => {
  const snapshot = await collect(memorySystem(damaged(treeOf(name), list)), passive, { addon: null });
  const problem = snapshotSchema.safeParse(snapshot).error;
  if (problem !== undefined) throw new Error(`no snapshot: ${z.prettifyError(problem)}`);
  for (const [fact, state] of Object.entries(snapshot.facts)) if (state.status === 'failed' && BUG.test(state.error)) throw new Error(`${fact}: ${state.error}`);
  const report = examine(snapshot);
  const crashed = report.checks.find(({ outcome }) => outcome === 'crashed');
  if (crashed !== undefined) throw new Error(`${crashed.id} crashed: ${crashed.reason}`);
  const replayed = examine(parseSnapshot(JSON.stringify(snapshot), 'x.json'));
  if (renderJson(replayed) !== renderJson(report)) throw new Error('another report from the saved snapshot');
  return renderText(report, 'all', style).length > 0 && renderMarkdown(report, snapshot, false).length > 0;
});

export const properties = { examined };
