import { afterAll, beforeAll, expect, it } from 'vitest';
import { FLAG, FRAME, frame, headersFrame, openRawHttp2, type RawHttp2 } from '../../harness/http2-frames.ts';
import { startTestSidecar, type TestSidecar } from '../../harness/sidecar.ts';
import { pause, until } from '../../harness/until.ts';
import { startHttpUpstream, type TestUpstream } from '../../harness/upstream.ts';

const PICTURE = Buffer.alloc(256 * 1024, 'x');
const INITIAL_WINDOW = 4;
const MUCH = Buffer.from([0x7f, 0xff, 0, 0]);

let upstream: TestUpstream;
let sidecar: TestSidecar;
beforeAll(async () => {
  upstream = await startHttpUpstream((_request, response) => void response.end(PICTURE));
  sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]`);
});
afterAll(async () => {
  await sidecar?.close();
  await upstream?.close();
});

/** A client at an address of its own that asks for a picture, and has taken a little of it so far. */
async function slowClient(): Promise<RawHttp2> {
  const client = await openRawHttp2(sidecar, [[INITIAL_WINDOW, 4_096]]);
  client.send(
    headersFrame(1, [
      [':method', 'GET'],
      [':scheme', 'https'],
      [':authority', 'a.test'],
      [':path', '/_matrix/client/v1/media/download/a/picture'],
    ]),
  );
  return client;
}

const has = ({ received }: RawHttp2, wanted: number, flag: number): boolean =>
  received.some(({ type, flags }) => type === wanted && (flags & flag) === flag);

// What a client has not taken yet waits here for as long as its line takes, a hundred phones or a thousand: beyond two
// hundred of them, one was cut off for each that came.
it('three hundred clients on slow lines get what they asked for, each from a network of its own', async () => {
  const clients: RawHttp2[] = [];
  for (let count = 0; count < 30; count++)
    clients.push(...(await Promise.all(Array.from({ length: 10 }, () => slowClient()))));
  await until('all have got something', () => clients.every((client) => has(client, FRAME.data, 0)));
  await pause(300);
  expect(clients.filter((client) => client.closed() || has(client, FRAME.reset, 0))).toHaveLength(0);
  for (const { send } of clients) send(frame(FRAME.windowUpdate, 0, 0, MUCH), frame(FRAME.windowUpdate, 0, 1, MUCH));
  await until('all have got all of it', () => clients.every((client) => has(client, FRAME.data, FLAG.endStream)));
  for (const client of clients) client.close();
});
