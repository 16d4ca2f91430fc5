import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestSidecar, type TestSidecar } from '../../harness/sidecar.ts';
import { exchangeWhole } from '../../harness/stream-client.ts';
import { startHttpUpstream, type TestUpstream } from '../../harness/upstream.ts';

// Node ends the writable side of a HEAD request's stream before anybody can answer it, which was taken for a client
// that has left.

let upstream: TestUpstream;
let sidecar: TestSidecar;
beforeAll(async () => {
  upstream = await startHttpUpstream((_request, response) => response.writeHead(200, { 'Content-Length': 5 }).end());
  sidecar = await startTestSidecar(
    `servers: [{ server_name: a.test, homeserver: "${upstream.url}", delegate_to: "m.a.test:443" }]`,
  );
});
afterAll(async () => {
  await sidecar?.close();
  await upstream?.close();
});

it.each([
  ['the homeserver', '/_matrix/x', 200],
  ['a well-known document', '/.well-known/matrix/server', 200],
  ['a refusal of our own', '/nothing', 404],
])('HEAD is answered with the headers alone: %s', async (_, path, status) => {
  const answer = await exchangeWhole(sidecar, 'HTTP/2', { method: 'HEAD', path });
  expect([answer.status, answer.body.length, answer.complete]).toEqual([status, 0, true]);
  expect(Number(answer.all('content-length')[0])).toBeGreaterThan(0);
});
