import type { ConnectionOptions } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { MAX_CLIENT_HELLO, parseClientHello } from '../../src/listen/client-hello.ts';
import { recordHello, splitRecords } from './record-hello.ts';

const longest = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`;

const CLIENTS: readonly (readonly [string, ConnectionOptions, string | undefined, readonly string[]])[] = [
  ['TLS 1.3 by default, post-quantum key included', { servername: 'a.test' }, 'a.test', []],
  [
    'TLS 1.2 only',
    { servername: 'a.test', maxVersion: 'TLSv1.2', ALPNProtocols: ['http/1.1'] },
    'a.test',
    ['http/1.1'],
  ],
  [
    'TLS 1.3 only',
    { servername: 'A.Test', minVersion: 'TLSv1.3', ALPNProtocols: ['h2', 'http/1.1'] },
    'a.test',
    ['h2', 'http/1.1'],
  ],
  ['the CA of a tls-alpn-01', { servername: 'a.test', ALPNProtocols: ['acme-tls/1'] }, 'a.test', ['acme-tls/1']],
  ['no server name', { servername: '', ALPNProtocols: ['acme-tls/1'] }, undefined, ['acme-tls/1']],
  ['the longest name there is', { servername: longest }, longest, []],
  [
    'more protocols than anybody offers',
    { servername: 'a.test', ALPNProtocols: Array.from({ length: 200 }, (_, index) => `protocol-${index}`) },
    'a.test',
    Array.from({ length: 200 }, (_, index) => `protocol-${index}`),
  ],
];

describe('the ClientHello of a real client', () => {
  it.each(CLIENTS)('is read whole and in any pieces: %s', async (_, options, serverName, alpn) => {
    const bytes = await recordHello(options);
    const expected = { kind: 'hello', hello: { serverName, alpn } };
    expect(parseClientHello(bytes)).toEqual(expected);
    expect(parseClientHello(Buffer.concat([bytes, Buffer.from('what follows')]))).toEqual(expected);
    for (const size of [bytes.length, 1_000, 100, Math.ceil(bytes.length / 63)]) {
      expect(parseClientHello(splitRecords(bytes, size)), `records of ${size}`).toEqual(expected);
    }
  });

  it('is incomplete until its last byte, and says how many bytes it needs at least', async () => {
    const whole = splitRecords(await recordHello({ servername: 'a.test', ALPNProtocols: ['h2'] }), 300);
    for (let length = 0; length < whole.length; length++) {
      const reading = parseClientHello(whole.subarray(0, length));
      expect(reading.kind, `${length} bytes`).toBe('incomplete');
      const need = reading.kind === 'incomplete' ? reading.need : 0;
      expect(need).toBeGreaterThan(length);
      expect(need).toBeLessThanOrEqual(whole.length);
    }
  });

  it('is refused once any of its lengths is a lie', async () => {
    const whole = await recordHello({ servername: 'a.test', ALPNProtocols: ['h2'] });
    const session = 5 + 4 + 34;
    const ciphers = session + 1 + whole[session]!;
    const compression = ciphers + 2 + whole.readUInt16BE(ciphers);
    const extensions = compression + 1 + whole[compression]!;
    for (const at of [session, ciphers, compression, extensions]) {
      const lie = Buffer.from(whole);
      lie[at] = 0xff;
      expect(parseClientHello(lie).kind, `at ${at}`).toBe('not-tls');
    }
  });
});

describe('what is no ClientHello', () => {
  const record = (length: number, ...body: number[]) => Buffer.from([22, 3, 1, length >> 8, length & 0xff, ...body]);

  it.each([
    ['plain HTTP', Buffer.from('G')],
    ['an SSL 2 hello', Buffer.from('802e0100020015', 'hex')],
    ['an alert', Buffer.from([21, 3, 1, 0, 2, 1, 0])],
    ['another major version', Buffer.from([22, 4, 1, 0, 10])],
    ['an empty record', record(0)],
    ['a record that is too long', record(16_385)],
    ['a ServerHello', record(4, 2)],
    ['a message of 16 MiB', record(4, 1, 0xff, 0xff, 0xff)],
    ['a message with nothing in it', record(4, 1, 0, 0, 0)],
    ['a hello in sixty-five crumbs', Buffer.concat([record(1, 1), ...Array.from({ length: 65 }, () => record(1, 0))])],
  ])('%s', (_, bytes) => {
    expect(parseClientHello(bytes).kind).toBe('not-tls');
  });

  it('never needs more than its bound', () => {
    const hello = Buffer.alloc(MAX_CLIENT_HELLO, 0);
    for (let at = 0, first = true; at + 5 < hello.length; at += 5 + 16_384, first = false) {
      hello.set([22, 3, 1, 0x40, 0], at);
      if (first) hello.set([1, 0, 0xff, 0xff], at + 5);
    }
    expect(parseClientHello(hello).kind).toBe('not-tls');
  });
});
