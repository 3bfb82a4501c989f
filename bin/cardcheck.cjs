#!/usr/bin/env node
// Starts the program as built, with V8's compile cache, which Node itself offers only from 22.1 on.
const { readFileSync, writeFileSync } = require('node:fs');
const { createRequire, Module } = require('node:module');
const { join } = require('node:path');
const { Script } = require('node:vm');

const folder = join(__dirname, '../dist/app');
const entry = join(folder, 'main.cjs');
// V8 takes its own version's cache of another architecture for good, and crashes on it: x64's on arm64, with Node 20.
const cache = `${entry}.${process.arch}.cache`;

/** @returns {Buffer | undefined} undefined where there is no such file */
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
// What require would do. The bundle is ASCII, as esbuild writes it; V8 rejects a cache that another version made, and compiles.
const script = new Script(Module.wrap(source.latin1Slice()), { filename: entry, cachedData: read(cache) });
if (process.env.CARDCHECK_WRITE_COMPILE_CACHE !== undefined) process.on('exit', () => writeFileSync(cache, script.createCachedData()));
const main = new Module(entry);
script.runInThisContext()(main.exports, createRequire(entry), main, entry, folder);
