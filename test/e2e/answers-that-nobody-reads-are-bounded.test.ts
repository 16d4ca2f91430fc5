import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask } from '../harness/client.ts';
import { FRAME, frame, headersFrame, openRawHttp2, type RawHttp2 } from '../harness/http2-frames.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { pause, until } from '../harness/until.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';

const BIG = Buffer.alloc(4 * 1024 * 1024, 'x');
const INITIAL_WINDOW = 4;

let upstream: TestUpstream;
let sidecar: TestSidecar;
beforeAll(async () => {
  upstream = await startHttpUpstream((_request, response) => void response.end(BIG));
  sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]`);
});
afterAll(async () => {
  await sidecar?.close();
  await upstream?.close();
});

/** A client that asks for ninety large answers at once. */
async function greedy(window: number): Promise<RawHttp2> {
  const client = await openRawHttp2(sidecar, [[INITIAL_WINDOW, window]]);
  const requests = Array.from({ length: 90 }, (_, index) =>
    headersFrame(2 * index + 1, [
      [':method', 'GET'],
      [':scheme', 'https'],
      [':authority', 'a.test'],
      [':path', `/_matrix/client/v1/media/download/a/${index}`],
    ]),
  );
  client.send(...requests);
  return client;
}

const inFlight = (): number => sidecar.sidecar.status().requests_in_flight;

it('who grants no window loses what has waited longest, and who reads slowly loses nothing', async () => {
  const slow = ask(sidecar, '/_matrix/client/v1/media/download/a/slow', { headers: { host: 'a.test' } });
  const clients: RawHttp2[] = [];
  for (let count = 0; count < 4; count++) {
    clients.push(await greedy(0));
    await pause(100);
  }
  await until('two hundred are left', () => inFlight() <= 200 && upstream.open() <= 205);
  expect(clients.map(({ closed }) => closed())).toEqual([false, false, false, false]);
  const resetsOf = ({ received }: RawHttp2): number => received.filter(({ type }) => type === FRAME.reset).length;
  const all = (): number => clients.reduce((sum, client) => sum + resetsOf(client), 0);
  await until('the last reset has arrived', () => all() >= 160);
  const resets = clients.map(resetsOf);
  // All of them lose about as much.
  expect(Math.min(...resets)).toBeGreaterThan(20);
  const { status, body } = await slow;
  expect([status, body.length]).toEqual([200, BIG.length]);
  for (const client of clients) client.close();
  await until('nothing is under way', () => inFlight() === 0);
});

it('who does not read at all loses the connection', async () => {
  const before = upstream.accepted();
  const clients: RawHttp2[] = [];
  for (let count = 0; count < 4; count++) {
    const client = await greedy(2 ** 31 - 1);
    client.socket.pause();
    client.send(frame(FRAME.windowUpdate, 0, 0, Buffer.from([0x7f, 0xff, 0, 0])));
    clients.push(client);
    await pause(100);
  }
  await until('all were asked for', () => upstream.accepted() - before >= 355);
  await until('two hundred are left', () => inFlight() <= 200 && upstream.open() <= 205);
  for (const client of clients) client.socket.resume();
  await until('a connection is closed', () => clients.some(({ closed }) => closed()));
  for (const client of clients) client.close();
  await until('nothing is under way', () => inFlight() === 0);
});
