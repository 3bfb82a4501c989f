/** Every property by name: `npm run fuzz` runs them for long, the tests shortly. */
import type fc from 'fast-check';
import * as argv from './argv.ts';
import * as explain from './explain.ts';
import * as machines from './machines.ts';
import * as parsers from './parsers.ts';
import * as pcscd from './pcscd.ts';
import * as snapshots from './snapshots.ts';

const properties = { ...argv.properties, ...explain.properties, ...machines.properties, ...parsers.properties, ...pcscd.properties, ...snapshots.properties };

export const allProperties = properties as unknown as Record<string, fc.IRawProperty<unknown>>;

/** What the properties made on the disk goes. */
export const cleanUp = argv.removeWorkplace;
