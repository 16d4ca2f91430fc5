import { describe, expect, it } from 'vitest';
import { MAX_PROXY_HEADER, parseProxyHeader } from '../../src/listen/proxy-protocol.ts';

const v1 = (line: string) => Buffer.from(line, 'latin1');
const SIGNATURE = '0d0a0d0a000d0a515549540a';
const v2 = (hex: string) => Buffer.from(SIGNATURE + hex, 'hex');

describe('a PROXY header, version 1', () => {
  it.each([
    ['PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n', { address: '192.0.2.1', port: 56324 }],
    ['PROXY TCP6 2001:db8::1 2001:db8::2 1 443\r\n', { address: '2001:db8::1', port: 1 }],
    ['PROXY TCP6 ::ffff:192.0.2.1 ::1 1 443\r\n', { address: '192.0.2.1', port: 1 }],
    ['PROXY UNKNOWN\r\n', undefined],
    ['PROXY UNKNOWN ff:ff::ff anything at all\r\n', undefined],
  ])('%s', (line, source) => {
    expect(parseProxyHeader(v1(`${line}rest`))).toEqual({ kind: 'header', length: line.length, source });
  });

  it.each([
    'PROXY TCP4 192.0.2.1 192.0.2.2 56324\r\n',
    'PROXY TCP4 192.0.2.1 192.0.2.2 56324 443 7\r\n',
    'PROXY TCP4 2001:db8::1 192.0.2.2 1 443\r\n',
    'PROXY TCP4 192.0.2.1 192.0.2.2 65536 443\r\n',
    'PROXY TCP4 192.0.2.1 192.0.2.2 -1 443\r\n',
    'PROXY TCP5 192.0.2.1 192.0.2.2 1 443\r\n',
    `PROXY TCP4 ${'1'.repeat(120)}`,
    'GET / HTTP/1.1\r\n',
    '\x16\x03\x01',
  ])('refuses %j', (line) => {
    expect(parseProxyHeader(v1(line)).kind).toBe('invalid');
  });

  it('waits for the rest while it may still become one', () => {
    const line = 'PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n';
    for (let length = 0; length < line.length; length++) {
      expect(parseProxyHeader(v1(line.slice(0, length))).kind, `${length} bytes`).toBe('incomplete');
    }
  });
});

describe('a PROXY header, version 2', () => {
  it.each([
    ['2111000cc0000201c0000202dc0401bb', { address: '192.0.2.1', port: 56324 }],
    ['2111000fc0000201c0000202dc0401bb040000', { address: '192.0.2.1', port: 56324 }],
    [`21210024${'20010db8000000000000000000000001'.repeat(2)}000101bb`, { address: '2001:db8::1', port: 1 }],
    [`21210024${'00000000000000000000ffffc0000201'.repeat(2)}000101bb`, { address: '192.0.2.1', port: 1 }],
    ['20000000', undefined],
    ['2011000cc0000201c0000202dc0401bb', undefined],
    ['21000000', undefined],
  ])('%s', (hex, source) => {
    const bytes = v2(hex);
    expect(parseProxyHeader(Buffer.concat([bytes, Buffer.from('rest')]))).toEqual({
      kind: 'header',
      length: bytes.length,
      source,
    });
    for (let length = 0; length < bytes.length; length++) {
      expect(parseProxyHeader(bytes.subarray(0, length)).kind, `${length} bytes`).toBe('incomplete');
    }
  });

  it.each([
    '1111000cc0000201c0000202dc0401bb',
    '2211000cc0000201c0000202dc0401bb',
    '21110004c0000201',
    '21210010c0000201c0000202dc0401bb00000000',
    '2112000cc0000201c0000202dc0401bb',
    '2111ffff',
  ])('refuses %s', (hex) => {
    expect(parseProxyHeader(v2(hex)).kind).toBe('invalid');
  });

  it('never needs more bytes than its bound', () => {
    expect(
      parseProxyHeader(Buffer.concat([v2('2111'), Buffer.from([2, 9]), Buffer.alloc(MAX_PROXY_HEADER)])).kind,
    ).not.toBe('incomplete');
  });
});
