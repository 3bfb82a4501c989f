import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AssuanReplies, errorCode, redirectedSocket } from '../../src/gnupg/assuan.ts';

describe('replies of an Assuan server', () => {
  const text = 'OK Pleased to meet you\n# a remark\nS SERIALNO D2760001240103\nS OTHER\nOK\nD 12%2534\nD 5\nOK\nERR 100663408 Card not present <SCD>\nINQUIRE PIN\n';
  const expected = [
    { ok: true, error: 0, text: 'Pleased to meet you', status: [], data: '' },
    { ok: true, error: 0, text: '', status: ['SERIALNO D2760001240103', 'OTHER'], data: '' },
    { ok: true, error: 0, text: '', status: [], data: '12%345' },
    { ok: false, error: 100663408, text: 'Card not present <SCD>', status: [], data: '' },
    'inquiry',
  ];

  it('are the same however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(text.length)), (cuts) => {
        const places = [0, ...cuts.sort((a, b) => a - b), text.length];
        const replies = new AssuanReplies();
        expect(places.slice(1).flatMap((end, index) => replies.push(text.slice(places[index], end)))).toEqual(expected);
      }),
    );
  });

  it('carry the error code in the low bits', () => {
    expect(errorCode({ ok: false, error: 100663408, text: '', status: [], data: '' })).toBe(112);
  });

  it('carry no error code where the number is none', () => {
    expect(new AssuanReplies().push(`ERR ${'9'.repeat(40)} x\nERR -1 x\nERR\n`)).toMatchObject([{ error: 0 }, { error: 0 }, { error: 0 }]);
  });

  it('are refused when they are endless or something else', () => {
    expect(() => new AssuanReplies().push('x'.repeat(100_000))).toThrow('64 KiB');
    expect(() => new AssuanReplies().push('D a\n'.repeat(50_000))).toThrow('64 KiB');
    expect(() => new AssuanReplies().push('HTTP/1.1 400 Bad Request\n')).toThrow('no Assuan');
  });
});

it('follows redirections of libassuan only', () => {
  const env = (name: string) => (name === 'HOME' ? '/home/u' : undefined);
  expect(redirectedSocket('%Assuan%\nsocket=${HOME}/S.gpg-agent\n', env)).toBe('/home/u/S.gpg-agent');
  expect(redirectedSocket('%Assuan%\nsocket=/run/x', env)).toBe('/run/x');
  expect(redirectedSocket('socket=/run/x\n', env)).toBeNull();
  expect(redirectedSocket('', env)).toBeNull();
});
