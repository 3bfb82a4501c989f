import { describe, expect, it } from 'vitest';
import { originWords } from '../../src/report/words.ts';

const init = { pid: 1, command: 'systemd' };
const agent = { pid: 60, command: 'gpg-agent' };
const shell = { pid: 20, command: 'bash' };
const desktop = { pid: 10, command: 'gnome-shell' };

describe('originWords', () => {
  it('tells whose child a holder is, where it runs and at which terminal', () => {
    expect(originWords({ parents: [agent, init], unit: 'gpg-agent.service', terminal: 'pts/3' }, false)).toBe('child of gpg-agent (pid 60), in gpg-agent.service, on pts/3');
  });

  it('leaves out init and what is further away, unless everything is asked for', () => {
    const far = { parents: [agent, shell, desktop, init], unit: null, terminal: null };
    expect(originWords(far, false)).toBe('child of gpg-agent (pid 60), of bash (pid 20)');
    expect(originWords(far, true)).toBe('child of gpg-agent (pid 60), of bash (pid 20), of gnome-shell (pid 10), of systemd (pid 1)');
  });

  it('says nothing of a program that only init is above', () => {
    expect(originWords({ parents: [init], unit: null, terminal: null }, false)).toBeNull();
  });
});
