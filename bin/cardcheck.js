#!/usr/bin/env node
import { createRequire } from 'node:module';

// CommonJS from here on: each further module that Node's loader of ES modules resolves costs about a millisecond.
createRequire(import.meta.url)('./start.cjs');
