import { afterAll, beforeAll, expect, it } from 'vitest';
import { FRAME, headersFrame, openRawHttp2, type RawHttp2 } from '../../harness/http2-frames.ts';
import { startTestSidecar, type TestSidecar } from '../../harness/sidecar.ts';
import { pause, until } from '../../harness/until.ts';
import { startHttpUpstream, type TestUpstream } from '../../harness/upstream.ts';

/** It comes from the homeserver in one piece, and has left the homeserver before its client takes any of it. */
const THUMBNAIL = Buffer.alloc(48 * 1024, 'x');
const INITIAL_WINDOW = 4;

let upstream: TestUpstream;
let sidecar: TestSidecar;
beforeAll(async () => {
  upstream = await startHttpUpstream((_request, response) => {
    response.setHeader('content-length', THUMBNAIL.length);
    response.end(THUMBNAIL);
  });
  sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]`);
});
afterAll(async () => {
  await sidecar?.close();
  await upstream?.close();
});

async function greedy(): Promise<RawHttp2> {
  const client = await openRawHttp2(sidecar, [[INITIAL_WINDOW, 0]]);
  const requests = Array.from({ length: 90 }, (_, index) =>
    headersFrame(2 * index + 1, [
      [':method', 'GET'],
      [':scheme', 'https'],
      [':authority', 'a.test'],
      [':path', `/_matrix/media/v3/thumbnail/a/${index}`],
    ]),
  );
  client.send(...requests);
  return client;
}

// Only those were counted for which the homeserver was made to wait.
it('of answers that are here as a whole and that nobody reads, two hundred are kept', async () => {
  const clients = [await greedy(), await greedy(), await greedy(), await greedy()];
  const inFlight = (): number => sidecar.sidecar.status().requests_in_flight;
  const answered = (): number =>
    clients.flatMap(({ received }) => received.filter(({ type }) => type === FRAME.headers)).length;
  await until('all have an answer', () => answered() === 360);
  await until('two hundred are left', () => inFlight() <= 200);
  await pause(200);
  expect(inFlight()).toBe(200);
  for (const client of clients) client.close();
  await until('nothing is under way', () => inFlight() === 0);
});
