import { describe, expect, it } from 'vitest';
import { encodeName, encodeTxt, encodeUpdate, parseMessage, readName } from '../../../src/acme/solvers/dns-message.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const NAME = '0f5f61636d652d6368616c6c656e6765 066d6174726978 076578616d706c65 03636f6d 00';
const ZONE = '076578616d706c65 03636f6d 00 0006 0001';
const DATA = '0010 0f67666a3958712e2e2e526738356e4d';

describe('a DNS UPDATE', () => {
  const update = {
    id: 0x1234,
    zone: 'example.com',
    name: '_acme-challenge.matrix.example.com',
    value: 'gfj9Xq...Rg85nM',
    ttl: 60,
  };

  it('adds one record and leaves its neighbours alone (RFC 2136 section 2.5.1)', () => {
    expect(encodeUpdate({ ...update, action: 'add' })).toEqual(
      hex(`1234 2800 0001 0000 0001 0000 ${ZONE} ${NAME} 0010 0001 0000003c ${DATA}`),
    );
  });

  it('removes that record and no other (RFC 2136 section 2.5.4)', () => {
    expect(encodeUpdate({ ...update, action: 'remove' })).toEqual(
      hex(`1234 2800 0001 0000 0001 0000 ${ZONE} ${NAME} 0010 00fe 00000000 ${DATA}`),
    );
  });
});

describe('a name on the wire', () => {
  it('is lower case, with a length before each label', () => {
    expect(encodeName('_A.Example.com.')).toEqual(hex('025f61 076578616d706c65 03636f6d 00'));
    expect(readName(encodeName('_A.Example.com.'), 0)).toEqual({ value: '_a.example.com', next: 16 });
  });

  it.each(['', '.', 'a..b', '.a', `${'a'.repeat(64)}.b`, Array(70).fill('abc').join('.')])('is never %j', (name) => {
    expect(() => encodeName(name)).toThrow(RangeError);
  });

  it('is read through compression', () => {
    expect(readName(hex('03636f6d00 0161c000'), 5)).toEqual({ value: 'a.com', next: 9 });
  });

  it.each([
    ['cut off in a label', '0361', 0],
    ['without an end', '0161', 0],
    ['a pointer cut off', 'c0', 0],
    ['a pointer to itself', 'c000', 0],
    ['a pointer forward', 'c0020000', 0],
    ['pointers in a circle', '0161c002c000', 4],
    ['a label that leads back to its own pointer', '0161c000', 2],
    ['a label of a reserved kind', '4161', 0],
    ['longer than 255 bytes', '3f'.padEnd(128, '6').repeat(5), 0],
  ])('is none when it is %s', (_, bytes, at) => {
    expect(readName(hex(bytes), at)).toBeUndefined();
  });
});

describe('text on the wire', () => {
  it.each([
    ['', '00'],
    ['ab', '026162'],
    ['x'.repeat(255), `ff${'78'.repeat(255)}`],
    ['x'.repeat(256), `ff${'78'.repeat(255)}0178`],
  ])('comes in strings of up to 255 bytes: %#', (value, bytes) => {
    expect(encodeTxt(value)).toEqual(hex(bytes));
  });
});

describe('a message', () => {
  const answer = hex(`1234 a805 0001 0001 0000 0000 ${ZONE} c00c 0010 0001 0000003c 0003 026162`);

  it('is read with all its records', () => {
    expect(parseMessage(answer)).toEqual({
      id: 0x1234,
      opcode: 5,
      rcode: 5,
      records: [{ name: 'example.com', type: 16, class: 1, ttl: 60, data: hex('026162'), start: 29 }],
    });
  });

  it('is none when any part of it is missing', () => {
    for (let length = 0; length < answer.length; length++) {
      expect(parseMessage(answer.subarray(0, length)), `${length} bytes`).toBeUndefined();
    }
  });

  it('with counts that lie is none', () => {
    expect(parseMessage(hex('1234 8000 ffff ffff ffff ffff 00 0001 0001'))).toBeUndefined();
  });
});
