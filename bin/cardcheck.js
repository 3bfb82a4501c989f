#!/usr/bin/env node
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire, Module } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';

const entry = fileURLToPath(new URL('../dist/app/main.cjs', import.meta.url));
const cache = `${entry}.cache`;

/** @returns undefined where there is no such file */
function read(path) {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

const source = read(entry);
if (source === undefined) {
  process.stderr.write('cardcheck: not built yet; run bin/setup (or: npm ci && npm run build) first\n');
  process.exit(70);
}
// What require would do, with V8's compile cache, which Node itself offers only from 22.1 on. V8 rejects a cache that
// another version made, and compiles.
const script = new vm.Script(Module.wrap(source.toString()), { filename: entry, cachedData: read(cache) });
if (process.env.CARDCHECK_WRITE_COMPILE_CACHE !== undefined) process.on('exit', () => writeFileSync(cache, script.createCachedData()));
const main = new Module(entry);
script.runInThisContext()(main.exports, createRequire(entry), main, entry, dirname(entry));
