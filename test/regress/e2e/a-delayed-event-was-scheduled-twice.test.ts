import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { startTestSidecar, type TestSidecar } from '../../harness/sidecar.ts';
import { exchangeWhole } from '../../harness/stream-client.ts';
import { readRequests, startRawUpstream, type TestUpstream } from '../../harness/upstream.ts';

const PUT = { method: 'PUT', headers: ['Content-Length', '2'], body: '{}' };

let upstream: TestUpstream;
let sidecar: TestSidecar;
let arrived: string[] = [];

beforeAll(async () => {
  // Every connection dies under its request, which may have been done by then.
  upstream = await startRawUpstream((socket) =>
    readRequests(socket, (head) => {
      arrived.push(head.slice(0, head.indexOf(' HTTP/')));
      socket.destroy();
    }),
  );
  sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]
limits: { hold: 0s }`);
});
beforeEach(() => {
  arrived = [];
});
afterAll(async () => {
  await sidecar?.close();
  await upstream?.close();
});

// Each schedules another event, of which the client learns the last one's id only (MSC4140, "Scheduling a delayed event").
it.each([
  '/_matrix/client/v3/rooms/!r/state/org.matrix.msc3401.call.member/@u?org.matrix.msc4140.delay=8000',
  '/_matrix/client/v3/rooms/!r/state/m.call.member/?x=1&delay=8000',
  '/_matrix/client/v3/rooms/!r/state/m.call.member/@u?%6frg.matrix.msc4140.delay=8000',
  '/_matrix/client/v3/rooms/!r/send/m.room.message/txn?org.matrix.msc4140.delay=8000',
])('PUT %s is sent once', async (path) => {
  const { status } = await exchangeWhole(sidecar, 'HTTP/1.1', { ...PUT, path });
  expect([status, arrived]).toEqual([502, [`PUT ${path}`]]);
});

it.each([
  '/_matrix/client/v3/rooms/!r/state/m.room.name?delays=1',
  '/_matrix/client/v3/rooms/!r/send/m.room.message/txn?ts=1',
])('PUT %s is sent again', async (path) => {
  const { status } = await exchangeWhole(sidecar, 'HTTP/1.1', { ...PUT, path });
  expect(status).toBe(502);
  expect(arrived.length).toBeGreaterThan(1);
});
