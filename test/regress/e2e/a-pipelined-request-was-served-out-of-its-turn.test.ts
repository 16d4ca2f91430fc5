import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { sendRaw } from '../../harness/client.ts';
import { type Edge, startEdge, statusesIn } from '../../harness/strangers.ts';

let edge: Edge;
beforeAll(async () => {
  // Answers the first request late, so that what stands behind it would have time to overtake.
  edge = await startEdge({
    answer: ({ target }, socket) =>
      void setTimeout(
        () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}'),
        target.endsWith('/slow') ? 150 : 0,
      ),
  });
});
afterAll(() => edge?.close());
beforeEach(() => edge.upstream.reset());

const SLOW = 'GET /_matrix/x/slow HTTP/1.1\r\nHost: a.test\r\n';
const NEXT = 'GET /_matrix/x/next HTTP/1.1\r\nHost: a.test\r\n\r\n';
const targets = (): string[] => edge.upstream.requests().map(({ target }) => target);

it('what stood behind a refused request reached the homeserver all the same', async () => {
  const outcome = await sendRaw(
    edge.sidecar,
    `POST /nowhere HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello${NEXT}`,
  );
  expect(statusesIn(outcome)).toEqual([404]);
  expect(targets()).toEqual([]);
});

it('what stood behind a request reached the homeserver before that was answered', async () => {
  const sent = sendRaw(edge.sidecar, `${SLOW}\r\n${NEXT}`, { until: /\{\}.*\{\}$/s });
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(targets()).not.toContain('/_matrix/x/next');
  expect(statusesIn(await sent)).toEqual([200, 200]);
  expect(targets()).toEqual(['/_matrix/x/slow', '/_matrix/x/next']);
});

it('a malformed request was answered 400 in the place of the one before it', async () => {
  const outcome = await sendRaw(edge.sidecar, `${SLOW}\r\nGET /\x01 HTTP/1.1\r\nHost: a.test\r\n\r\n`);
  expect(statusesIn(outcome)).toEqual([200, 400]);
});

it('bytes behind a request that said close cost that request its answer', async () => {
  const outcome = await sendRaw(edge.sidecar, `${SLOW}Connection: close\r\n\r\n${NEXT}`);
  expect(outcome.ended).toBe('closed');
  expect(statusesIn(outcome)).toEqual([200]);
  expect(targets()).toEqual(['/_matrix/x/slow']);
});

it('a thousand pipelined requests opened a thousand connections to the homeserver', async () => {
  const before = edge.upstream.accepted();
  await sendRaw(edge.sidecar, NEXT.repeat(1_000));
  expect(edge.upstream.accepted() - before).toBeLessThanOrEqual(2);
});
