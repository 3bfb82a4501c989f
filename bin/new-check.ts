/**
 * npm run new-check NAME [-- --series N]: writes all parts of a check but what only its author knows. What is
 * written compiles; its tests fail until the rule, the prose and the firing fixture are there.
 */
import { access, readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { codes } from '../checks/codes.ts';

/** Each hundred with its file of prose and where its checks stand in checks/index.ts. */
const series: Readonly<Record<string, { prose: string; section: string; layer: string }>> = {
  1: { prose: 'sharing', section: 'sharing', layer: "'sharing'" },
  2: { prose: 'gnupg', section: 'gnupg', layer: "'gnupg'" },
  3: { prose: 'drivers', section: 'driver', layer: "'driver'" },
  4: { prose: 'access', section: 'service', layer: "'service'" },
  5: { prose: 'card', section: 'card', layer: "'card'" },
  9: { prose: 'self', section: 'cardcheck', layer: 'null' },
};

class Refusal extends Error {}

interface Plan {
  /** The id, and the name of every file. */
  name: string;
  /** "CC113" */
  code: string;
  variable: string;
  title: string;
  of: { prose: string; section: string; layer: string };
}

/** @throws Refusal with the reason */
async function plan(args: readonly string[]): Promise<Plan> {
  const { values, positionals } = parseArgs({ args: [...args], options: { series: { type: 'string', default: '1' } }, allowPositionals: true });
  const [name = '', ...more] = positionals;
  const of = series[values.series];
  if (more.length > 0 || !/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/.test(name)) throw new Refusal('usage: npm run new-check NAME [-- --series 1|2|3|4|5|9]; NAME is a root cause, like kernel-driver-claims-reader');
  if (of === undefined) throw new Refusal(`there is no series ${values.series}; there are ${Object.keys(series).join(', ')}`);
  const known = Object.entries(codes).find(([, row]) => row.id === name);
  if (known !== undefined) throw new Refusal(`${name} exists: it is ${known[0]}`);
  for (const path of newFiles(name)) if (await access(path).then(() => true, () => false)) throw new Refusal(`${path} exists`);
  return { name, code: nextCode(values.series), variable: name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase()), title: sentence(name), of };
}

/** After the highest: a number in a gap belonged to something once, and is never used again. */
function nextCode(hundred: string): string {
  const numbers = Object.keys(codes).filter((code) => code.startsWith(`CC${hundred}`)).map((code) => Number(code.slice(2)));
  const next = Math.max(Number(hundred) * 100, ...numbers) + 1;
  if (next >= (Number(hundred) + 1) * 100) throw new Refusal(`series ${hundred} is full`);
  return `CC${next}`;
}

const sentence = (name: string): string => (name[0] as string).toUpperCase() + name.slice(1).replaceAll('-', ' ');

const fixturePath = (situation: string): string => `fixtures/snapshots/${situation}.json`;
const newFiles = (name: string): string[] => [`checks/${name}.ts`, fixturePath(name), fixturePath(`${name}-near-miss`)];

const check = ({ code }: Plan): string => `import { defineCheck } from '../src/check.ts';
import type { ReaderReport } from '../src/report/schema.ts';

/** Whether a reader is in the failing state. Until the rule is written, none is. */
const isAffected = (_reader: ReaderReport): boolean => false;

export default defineCheck({
  code: '${code}',
  needs: ['holdings'],
  check({ holdings }) {
    return holdings.filter(isAffected).map(({ name }) => ({
      subject: { kind: 'reader', name },
      data: { reader: name },
      certainty: 'possible',
      evidence: [],
      remedies: [],
    }));
  },
});
`;

/** What is empty is what the catalogue's test asks for. */
const prose = ({ name, code, title, of }: Plan): string => `  ${code}: row({
    id: '${name}',
    layer: ${of.layer},
    severity: 'error',
    title: '${title}',
    passTitle: '',
    message: ({ reader }: { reader: string }) => \`\${reader}: ${name.replaceAll('-', ' ')}.\`,
    why: '',
    price: null,
    wrongCure: null,
    sources: [],
  }),
`;

const fixture = (situation: string): string => `${JSON.stringify({ situation, origin: 'constructed', facts: {} }, null, 2)}\n`;

const rows = ({ name }: Plan): string => `
  ['${name}', '${name}', [YUBIKEY]],
  ['${name}-near-miss', '${name}', []],
`;

/** Text put before the first place `before` matches after `from`. @throws Error where the file has another form than it had */
function inserted(file: string, text: string, addition: string, before: RegExp, from = ''): string {
  const start = text.indexOf(from);
  const at = start < 0 ? -1 : text.slice(start).search(before);
  if (at < 0) throw new Error(`${file} has changed its form: no place for ${addition.trim().split('\n')[0]}`);
  return text.slice(0, start + at) + addition + text.slice(start + at);
}

/** The import in its alphabetical place and the entry at the end of its section. */
function listed(text: string, { name, variable, of }: Plan): string {
  const after = [...text.matchAll(/^import \w+ from '\.\/([\w-]+)\.ts';$/gm)].find(([, file = '']) => file > name);
  const withImport = inserted('checks/index.ts', text, `import ${variable} from './${name}.ts';\n`, after === undefined ? /\n\/\*\*/ : new RegExp(`^${after[0].replace(/[.*/']/g, '\\$&')}$`, 'm'));
  return inserted('checks/index.ts', withImport, `  ${variable},\n`, new RegExp(`^(?: {2}// (?!${of.section}\\n)|\\];)`, 'm'), `  // ${of.section}\n`);
}

async function main(args: readonly string[]): Promise<void> {
  const made = await plan(args);
  const { name, code, of } = made;
  const edit = async (file: string, change: (text: string) => string): Promise<[string, string]> => [file, change(await readFile(file, 'utf8'))];
  // All texts first: one that cannot be made leaves nothing behind.
  const texts: [string, string][] = [
    await edit('checks/index.ts', (text) => listed(text, made)),
    await edit(`checks/prose/${of.prose}.ts`, (text) => inserted(`checks/prose/${of.prose}.ts`, text, prose(made), /^\};$/m, `export const ${of.prose} = {`)),
    await edit('test/checks/grid.test.ts', (text) => inserted('test/checks/grid.test.ts', text, rows(made), /^\];$/m, 'const grid: ')),
    [`checks/${name}.ts`, check(made)],
    [fixturePath(name), fixture(name.replaceAll('-', ' '))],
    [fixturePath(`${name}-near-miss`), fixture(`as ${name}, but for the one fact that makes it harmless`)],
  ];
  for (const [file, text] of texts) await writeFile(file, text);
  process.stdout.write(`${code} ${name}\n${texts.map(([file]) => `  ${file}\n`).join('')}
It compiles and finds nothing. Its tests fail until there is
  the rule in checks/${name}.ts,
  what happens and why, with its sources, in checks/prose/${of.prose}.ts,
  in ${fixturePath(name)} the facts in which such a machine differs from base.json,
  and in ${fixturePath(`${name}-near-miss`)} those of the most similar sound one:
npx vitest run --config test/vitest.config.ts test/checks
checks/README.md says what makes a good one.
`);
}

await main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`new-check: ${error.message}\n`);
  const isUsage = error instanceof Refusal || String((error as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS');
  process.exitCode = isUsage ? 64 : 70;
});
