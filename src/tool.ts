import { version } from '../package.json';

/** Who wrote a snapshot or a report. */
export const tool: { name: 'cardcheck'; version: string } = { name: 'cardcheck', version };
