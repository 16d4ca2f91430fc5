import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createDnsExchange } from '../../src/base/dns-exchange.ts';
import { startDnsServer, type TestDnsServer } from '../harness/dns-server.ts';
import { hurriedSystem } from '../tls/hurried-system.ts';

const exchange = createDnsExchange({ system: hurriedSystem });
const NEVER = new AbortController().signal;
const QUESTION = Buffer.from('2b2b01000001000000000000016104746573740000100001', 'hex');
const at = (port: number) => ({ address: '127.0.0.1', port });

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});
function keep(server: TestDnsServer): TestDnsServer {
  closers.push(() => server.close());
  return server;
}

describe('an exchange with a DNS server', () => {
  it('is one datagram each way', async () => {
    const server = keep(await startDnsServer(() => [['TXT', 'hello']]));
    const answer = await exchange(QUESTION, at(server.port), NEVER);
    expect(answer.toString('latin1')).toContain('hello');
    expect(server.questions).toEqual(['udp TXT a.test']);
  });

  it('is repeated by TCP when the answer was cut off', async () => {
    const server = keep(
      await startDnsServer((_, __, over) => (over === 'udp' ? 'truncated' : [['TXT', 'x'.repeat(9_000)]])),
    );
    expect((await exchange(QUESTION, at(server.port), NEVER)).length).toBeGreaterThan(9_000);
    expect(server.questions).toEqual(['udp TXT a.test', 'tcp TXT a.test']);
  });

  it('is repeated, and then done by TCP, when no datagram comes back', async () => {
    const server = keep(await startDnsServer((_, __, over) => (over === 'udp' ? 'silence' : [['TXT', 'hello']])));
    await exchange(QUESTION, at(server.port), NEVER);
    expect(server.questions).toEqual(['udp TXT a.test', 'udp TXT a.test', 'tcp TXT a.test']);
  });

  it('is done by TCP from the start when the message is long', async () => {
    const server = keep(await startDnsServer(() => [['TXT', 'hello']]));
    await exchange(Buffer.concat([QUESTION, Buffer.alloc(600)]), at(server.port), NEVER);
    expect(server.questions).toEqual(['tcp TXT a.test']);
  });

  it('passes over datagrams that answer nothing of ours', async () => {
    const udp = createSocket('udp4');
    udp.on('message', (message, from) => {
      const send = (bytes: Buffer) => udp.send(bytes, from.port, from.address);
      const answer = Buffer.concat([
        message.subarray(0, 2),
        Buffer.from([0x84, 0]),
        Buffer.alloc(8),
        Buffer.from('good'),
      ]);
      send(Buffer.from('junk'));
      send(Buffer.concat([Buffer.from([0, 0]), answer.subarray(2)]));
      // The question itself, sent back.
      send(message);
      setTimeout(() => send(answer), 10);
    });
    udp.bind(0, '127.0.0.1');
    await once(udp, 'listening');
    closers.push(() => udp.close());
    expect((await exchange(QUESTION, at(udp.address().port), NEVER)).subarray(12).toString()).toBe('good');
  });

  it.each([
    ['nobody listens', undefined, /ECONNREFUSED/],
    ['the server hangs up', 'end', /closed the connection without an answer/],
    ['the server says nothing', 'silence', /no answer within 10 s/],
    ['the server answers another question', 'other', /belongs to another question/],
  ] as const)('fails when %s', async (_, does, message) => {
    const tcp = createServer((socket) => {
      socket.on('error', () => undefined);
      if (does === 'end') socket.end();
      if (does === 'other') socket.end(Buffer.concat([Buffer.from([0, 12, 9, 9, 0x80]), Buffer.alloc(9)]));
    });
    tcp.listen(0, '127.0.0.1');
    await once(tcp, 'listening');
    const { port } = tcp.address() as AddressInfo;
    if (does === undefined) tcp.close();
    else closers.push(() => tcp.close());
    const failure = await exchange(QUESTION, at(port), NEVER).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'dns-failed' });
    expect((failure as Error).message).toMatch(message);
  });

  it.each(['udp', 'tcp'] as const)('ends at once when it is aborted, over %s', async (over) => {
    const server = keep(await startDnsServer(() => 'silence'));
    const abort = new AbortController();
    const message = over === 'udp' ? QUESTION : Buffer.concat([QUESTION, Buffer.alloc(600)]);
    const going = exchange(message, at(server.port), abort.signal).catch((error: unknown) => error);
    setTimeout(() => abort.abort(new Error('stopping')), 5);
    expect(await going).toMatchObject({ message: 'stopping' });
    expect(await exchange(message, at(server.port), abort.signal).catch((error: unknown) => error)).toMatchObject({
      message: 'stopping',
    });
  });
});
