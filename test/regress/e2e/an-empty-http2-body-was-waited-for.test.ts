import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestSidecar, type TestSidecar } from '../../harness/sidecar.ts';
import { openRequest } from '../../harness/stream-client.ts';
import { pause } from '../../harness/until.ts';
import { startHttpUpstream, type TestUpstream } from '../../harness/upstream.ts';

// A body without a byte ends before anybody reads it: Node says so once, and whoever listens later waits for ever.

let upstream: TestUpstream;
let sidecar: TestSidecar;
beforeAll(async () => {
  upstream = await startHttpUpstream((request, response) => {
    request.resume().on('end', () => response.end(request.method));
  });
  sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]`);
});
afterAll(async () => {
  await sidecar?.close();
  await upstream?.close();
});

it.each([0, 1, 20, 100])('END_STREAM in a frame of its own, %i ms after the headers', async (delay) => {
  for (const method of ['PUT', 'POST', 'DELETE', 'GET']) {
    const sent = openRequest(sidecar, 'HTTP/2', { method, hasBody: true });
    await pause(delay);
    sent.outgoing.end();
    expect((await sent.head).status).toBe(200);
    expect((await sent.end()).body.toString()).toBe(method);
    sent.close();
  }
});
