import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createUpstreamPool } from '../../src/base/address.ts';
import { realSystem } from '../../src/base/system.ts';
import { askWhole } from '../../src/forward/ask-whole.ts';
import { createNames } from '../../src/forward/names.ts';
import { createUpstreamConnections, type UpstreamConnections } from '../../src/forward/upstream-connections.ts';
import { startRawUpstream, type TestUpstream } from '../harness/upstream.ts';

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n';
const QUESTION = { path: '/health', headers: [], within: 300, most: 64 };

let answer = '';
let trickle: ReturnType<typeof setInterval> | undefined;
let upstream: TestUpstream;
let connections: UpstreamConnections;
beforeEach(async () => {
  upstream = await startRawUpstream((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      socket.write(answer);
      if (answer !== '') trickle = setInterval(() => socket.writable && socket.write('x'), 20);
    });
  });
  const at = { kind: 'tcp' as const, host: '127.0.0.1', port: upstream.port, text: upstream.url };
  const deps = { system: realSystem, names: createNames({ system: realSystem }) };
  connections = createUpstreamConnections(createUpstreamPool([at]), deps);
});
afterEach(async () => {
  clearInterval(trickle);
  connections.close();
  await upstream.close();
});

describe('a question of our own ends', () => {
  it.each([
    ['without an answer', '', 'no whole answer in 0.3 s'],
    ['with a head that never ends', 'HTTP/1.1 200 OK\r\nX: ', 'no whole answer in 0.3 s'],
    ['with a body that trickles for ever', HEAD, 'no whole answer in 0.3 s'],
    ['with a body that is too long', `${HEAD}${'x'.repeat(100)}`, 'it is longer than 64 bytes'],
  ])('%s', async (_, bytes, why) => {
    answer = bytes;
    const answered = await askWhole(connections.take(), QUESTION, realSystem);
    expect(answered).toMatchObject({ ok: false, error: { message: why } });
    expect(connections.busy).toBe(0);
  });

  it('with an answer, whole', async () => {
    answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK';
    const answered = await askWhole(connections.take(), QUESTION, realSystem);
    expect(answered).toEqual({ ok: true, status: 200, body: Buffer.from('OK') });
    expect(connections.busy).toBe(0);
  });
});
