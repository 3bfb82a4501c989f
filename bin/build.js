// Bundles the program into dist/app and keeps beside it what V8 makes of it.
import { spawnSync } from 'node:child_process';
import { readdir, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleApp } from './bundle.js';

const outdir = fileURLToPath(new URL('../dist/app', import.meta.url));
// A build that fails changes nothing, and one beside a running cardcheck leaves it every file it may still load by name.
const { names, bytes } = await bundleApp(outdir);
for (const name of await readdir(outdir)) if (!names.includes(name)) await rm(`${outdir}/${name}`, { recursive: true });

// A passive look at this machine, because what ran once is compiled in the cache. It touches no card and wakes no
// daemon, and whatever it finds is not wanted; without the cache cardcheck is only slower.
const entry = fileURLToPath(new URL('cardcheck.cjs', import.meta.url));
spawnSync(process.execPath, [entry, '--passive', '--no-wake', '--json'], { stdio: 'ignore', timeout: 20_000, env: { ...process.env, CARDCHECK_WRITE_COMPILE_CACHE: '1' } });
process.stdout.write(`dist/app: ${names.length} files, ${Math.round(bytes / 1024)} KiB\n`);
