/** Checks are pure: what they import decides what they can do. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, normalize } from 'node:path/posix';
import { expect, test } from 'vitest';

const root = new URL('../../', import.meta.url);
const files = (readdirSync(new URL('checks/', root), { recursive: true }) as string[]).filter((file) => file.endsWith('.ts')).map((file) => `checks/${file}`);

/** Modules without effects; of the schemas the types alone, which the compiler removes. */
const allowed = /^(checks\/.*|src\/check\.ts|src\/pcsc\/compatibility\.ts|src\/snapshot\/fact\.ts|src\/data\/[^/]+\.ts)$/;
const allowedAsTypes = /^src\/(snapshot|report)\/schema\.ts$/;

test.each(files)('%s imports nothing that touches the machine', (file) => {
  const source = readFileSync(new URL(file, root), 'utf8');
  for (const [, types, specifier = ''] of source.matchAll(/^(?:import|export) (type )?[^;]*?from '([^']+)'/gms)) {
    expect(specifier, `${file} imports a package`).toMatch(/^\./);
    const target = normalize(`${dirname(file)}/${specifier}`);
    expect(types === undefined ? allowed : new RegExp(`${allowed.source}|${allowedAsTypes.source}`)).toSatisfy((pattern: RegExp) => pattern.test(target));
  }
  expect(source).not.toMatch(/\bprocess\.(env|exit|std)|\bDate\.now|new Date\(\)|\bfetch\(|\bimport\(/);
});
