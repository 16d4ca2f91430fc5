import { afterAll, beforeAll, expect, it } from 'vitest';
import { FRAME, headersFrame, openRawHttp2, type RawHttp2 } from '../../harness/http2-frames.ts';
import { startTestSidecar, type TestSidecar } from '../../harness/sidecar.ts';
import { pause, until } from '../../harness/until.ts';
import { startHttpUpstream, type TestUpstream } from '../../harness/upstream.ts';

const PICTURE = Buffer.alloc(256 * 1024, 'x');
const INITIAL_WINDOW = 4;

let upstream: TestUpstream;
let sidecar: TestSidecar;
beforeAll(async () => {
  upstream = await startHttpUpstream((_request, response) => void response.end(PICTURE));
  sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]
routes: { trusted_proxies: [127.0.0.0/8] }`);
});
afterAll(async () => {
  await sidecar?.close();
  await upstream?.close();
});

/** A connection of the proxy's, with one request for each of `clients`; none has taken anything of its answer yet. */
async function proxied(clients: readonly string[]): Promise<RawHttp2> {
  const connection = await openRawHttp2(sidecar, [[INITIAL_WINDOW, 0]]);
  const requests = clients.map((client, index) =>
    headersFrame(2 * index + 1, [
      [':method', 'GET'],
      [':scheme', 'https'],
      [':authority', 'a.test'],
      [':path', '/_matrix/client/v1/media/download/a/picture'],
      ['x-forwarded-for', client],
    ]),
  );
  connection.send(...requests);
  const answered = (): number => connection.received.filter(({ type }) => type === FRAME.headers).length;
  await until('all have an answer', () => answered() === clients.length);
  await pause(100);
  return connection;
}

// What counted was the address of the proxy: whoever had waited longest behind it was cut.
it('a client that leaves answers unread loses them, and not the others behind its proxy', async () => {
  const slow = Array.from({ length: 40 }, (_, index) => `198.51.100.${index + 1}`);
  const greedy = (count: number): string[] => Array.from({ length: count }, () => '203.0.113.1');
  const first = await proxied([...slow, ...greedy(50)]);
  const others = [await proxied(greedy(60)), await proxied(greedy(80))];
  const resetOn = ({ received }: RawHttp2): number[] =>
    received.filter(({ type }) => type === FRAME.reset).map(({ stream }) => stream);
  await until('thirty are cut', () => [first, ...others].flatMap(resetOn).length === 30);
  expect(resetOn(first).filter((stream) => stream < 2 * slow.length)).toEqual([]);
  for (const connection of [first, ...others]) connection.close();
});
