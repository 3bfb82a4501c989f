#!/usr/bin/env node
import { createRequire } from 'node:module';

// The program is a CommonJS file: Node's loader of ES modules alone takes a tenth of a bare start.
createRequire(import.meta.url)('./cardcheck.cjs');
