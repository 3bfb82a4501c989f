import { expect, it } from 'vitest';
import { commandOf } from '../../src/derive/process-name.ts';
import { process } from './facts.ts';

it('names a program by its label, its file, or the script that is run', () => {
  expect(commandOf(process(7, 'scdaemon'))).toBe('scdaemon');
  expect(commandOf(process(7, 'a-program-with-a-long-name', { exe: '/usr/bin/a-program-with-a-long-name' }))).toBe('a-program-with-a-long-name');
  expect(commandOf(process(7, 'node', { argv: ['node', '/srv/reader.js'] }))).toBe('reader.js (node)');
  expect(commandOf(process(7, 'MainThread', { argv: ['node', '-e', '0'], exe: '/usr/bin/node' }))).toBe('node');
  expect(commandOf(process(7, 'MainThread', { argv: ['/opt/browser/browser'] }))).toBe('browser');
  expect(commandOf(process(7, 'MainThread', { argv: [] }))).toBe('MainThread');
});

it('keeps a name that somebody made long from filling the report', () => {
  const name = 'L'.repeat(16_000);
  expect(commandOf(process(7, name)).length).toBeLessThanOrEqual(60);
  expect(commandOf(process(7, name, { confinement: { kind: 'container', name: 'docker 0123456789ab' } }))).toMatch(/^L+… \(docker 0123456789ab\)$/);
});
