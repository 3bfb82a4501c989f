#!/usr/bin/env node
import { access } from 'node:fs/promises';
import * as module from 'node:module';

const entry = new URL('../dist/app/main.js', import.meta.url);
module.enableCompileCache?.(); // Node >= 22.1: 3–10 ms off every start
try {
  await access(entry);
} catch {
  process.stderr.write('cardcheck: not built yet; run bin/setup (or: npm ci && npm run build) first\n');
  process.exit(70);
}
await import(entry.href);
