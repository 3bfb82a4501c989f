import { describe, expect, test } from 'vitest';
import { decodeMessage } from '../../src/pcsc/addon-decode.ts';

describe('a line of the child\'s', () => {
  test.each([
    '{"loaded":true,"version":"1.0.1","path":null}',
    '{"loaded":true,"version":"1.0.1","path":"/x/pcsclite.node","library":"/usr/lib/libpcsclite.so.1"}',
    '{"loaded":false,"failure":{"kind":"wrong-abi","text":"NODE_MODULE_VERSION 1"}}',
    '{"id":1,"rv":0,"call":"SCardEstablishContext","text":null,"names":["A 00 00"]}',
    '{"id":2,"rv":2148532235,"call":"SCardConnect","text":"Sharing violation","ms":1.5}',
    '{"id":3,"rv":0,"call":"SCardGetStatusChange","text":null,"states":[{"name":"A 00 00","state":null,"atr":null}]}',
  ])('is a message: %s', (line) => expect(decodeMessage(line)).toEqual(JSON.parse(line)));

  test.each(['', '42', 'null', '"loaded"', '[]', '{}', '{"loaded":true}', '{"loaded":false}', '{"id":"1","rv":0,"call":null,"text":null}', '{"id":1,"rv":0,"call":null,"text":null,"states":[null]}', 'libpcsclite: warning'])('is none: %s', (line) =>
    expect(decodeMessage(line)).toBeNull());
});
