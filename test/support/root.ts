import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { type FixtureMachine, fixtureSystem } from '../../src/system/fixture.ts';
import type { System } from '../../src/system/port.ts';
import type { Fact } from '../../src/snapshot/schema.ts';
import type { CollectOptions } from '../../src/collect/collector.ts';

/** What a run asks of collectors that do not connect. */
export const passive: CollectOptions = { passive: true, wake: false, exclusive: false, timeoutMs: 1500, reader: null };

/** The names of the machines kept in fixtures/roots. */
export const rootNames = ['debian12-desktop', 'debian13-pcscd-2.3.3', 'fedora-pcscd-2.4.1', 'second-pcscd', 'wsl-no-usb', 'container', 'firefox-opensc', 'hostile', 'empty'] as const;

/** A machine of fixtures/roots. */
export const root = (name: (typeof rootNames)[number]): Promise<System> => fixtureSystem(fileURLToPath(new URL(`../../fixtures/roots/${name}`, import.meta.url)));

type FileContent = string | Uint8Array | { link: string };

/** A machine made of these files for one test; `{ link: '/target' }` makes a symbolic link. */
export async function machine(files: Record<string, FileContent>, description: FixtureMachine = {}): Promise<System> {
  const folder = await mkdtemp(join(tmpdir(), 'cardcheck-root-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const all: Record<string, FileContent> = { ...files, '/machine.json': JSON.stringify(description) };
  for (const [path, content] of Object.entries(all)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    if (typeof content === 'string' || content instanceof Uint8Array) await writeFile(join(folder, path), content);
    else await symlink(content.link, join(folder, path));
  }
  return fixtureSystem(folder);
}

/** The value of a fact that must have one. */
export function valueIn<T>(fact: Fact<T>): T {
  if (fact.status !== 'ok') throw new Error(`expected a value, got ${JSON.stringify(fact)}`);
  return fact.value;
}
