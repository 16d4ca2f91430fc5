import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { ask, sendRaw } from '../../harness/client.ts';
import { FLAG, FRAME, fateOf, frame, headerBlock, openRawHttp2 } from '../../harness/http2-frames.ts';
import { type Edge, expectRefusal, startEdge } from '../../harness/strangers.ts';
import { until } from '../../harness/until.ts';

let edge: Edge;
beforeAll(async () => {
  edge = await startEdge();
});
afterAll(() => edge?.close());
beforeEach(() => edge.upstream.reset());

it('HTTP/1.1 without Host was served', async () => {
  const outcome = await sendRaw(edge.sidecar, 'GET /_matrix/x HTTP/1.1\r\nConnection: close\r\n\r\n');
  expectRefusal(outcome, [400]);
});

it('two Hosts were served where nothing is forwarded', async () => {
  for (const target of ['/.well-known/matrix/client', '/'] as const) {
    const on = target === '/' ? 'http' : 'https';
    const outcome = await sendRaw(edge.sidecar, `GET ${target} HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n`, {
      on,
    });
    expectRefusal(outcome, [400]);
  }
});

it('ICE, HTTP/0.9 and HTTP/2.0 in clear text were served as if they were HTTP/1.x', async () => {
  for (const line of ['SOURCE /_matrix/x ICE/1.0', 'GET /_matrix/x HTTP/0.9', 'GET /_matrix/x HTTP/2.0']) {
    expectRefusal(await sendRaw(edge.sidecar, `${line}\r\nHost: a.test\r\n\r\n`), [505]);
  }
  expect(edge.upstream.everything()).toBe('');
});

it('header fields beyond a thousand were dropped in silence, Content-Length among them', async () => {
  const outcome = await sendRaw(
    edge.sidecar,
    `POST /_matrix/x HTTP/1.1\r\nHost: a.test\r\n${'a:b\r\n'.repeat(1_100)}Content-Length: 5\r\n\r\nhello`,
  );
  expectRefusal(outcome, [431]);
  expect(edge.upstream.everything()).toBe('');
});

it('an offer to upgrade with a body left the homeserver waiting for that body', async () => {
  const answer = await ask(edge.sidecar, '/_matrix/x', {
    headers: { Host: 'a.test', Connection: 'Upgrade', Upgrade: 'websocket', 'Content-Length': 5 },
    body: 'hello',
  });
  expect(answer.status).toBe(200);
  expect(edge.upstream.requests().map(({ body }) => body.toString())).toEqual(['hello']);
});

it('an unknown transfer coding was refused without a word', async () => {
  const outcome = await sendRaw(
    edge.sidecar,
    'POST /_matrix/x HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n',
  );
  expectRefusal(outcome, [400]);
});

it('an HTTP/2 header list of any length was taken from a client that does not acknowledge our settings', async () => {
  const block = headerBlock([
    [':method', 'GET'],
    [':scheme', 'https'],
    [':authority', 'a.test'],
    [':path', '/_matrix/x'],
    ['x', 'a'.repeat(16_000)],
    ['y', 'a'.repeat(16_000)],
    ['z', 'a'.repeat(16_000)],
  ]);
  const connection = await openRawHttp2(edge.sidecar);
  connection.send(frame(FRAME.headers, FLAG.endStream, 1, block.subarray(0, 16_000)));
  connection.send(frame(FRAME.continuation, 0, 1, block.subarray(16_000, 32_000)));
  connection.send(frame(FRAME.continuation, 0, 1, block.subarray(32_000, 48_000)));
  connection.send(frame(FRAME.continuation, FLAG.endHeaders, 1, block.subarray(48_000)));
  await until('the stream is over', () => fateOf(connection, 1) !== undefined);
  expect(fateOf(connection, 1)).toBe('431');
  connection.close();
  expect(edge.upstream.everything()).toBe('');
});
