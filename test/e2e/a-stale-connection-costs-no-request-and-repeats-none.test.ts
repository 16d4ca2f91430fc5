import type { Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { exchangeWhole, type StreamAsk, VERSIONS } from '../harness/stream-client.ts';
import { pause, until } from '../harness/until.ts';
import { readRequests, startRawUpstream, type TestUpstream } from '../harness/upstream.ts';

const OWN = /^GET \/_matrix\/(key\/v2\/server|federation\/v1\/version|client\/versions)$/;

let upstream: TestUpstream;
let sidecar: TestSidecar;
/** Request lines, in the order in which they arrived. */
let arrived: string[] = [];
/** How many of the next requests meet a connection that closes. */
let hangUps = 0;
let hangUp: (socket: Socket) => void;

beforeAll(async () => {
  upstream = await startRawUpstream((socket) => {
    readRequests(socket, (head) => {
      const request = head.slice(0, head.indexOf(' HTTP/'));
      // The sidecar asks for those by itself.
      const own = OWN.test(request);
      if (!own) arrived.push(request);
      if (own || hangUps === 0) return void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}');
      hangUps--;
      hangUp(socket);
    });
  });
  sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]
limits: { hold: 0s }`);
});
beforeEach(async () => {
  hangUps = 0;
  // Leaves a connection that has served and is now idle.
  expect((await exchangeWhole(sidecar, 'HTTP/1.1', { path: '/_matrix/warm' })).status).toBe(200);
  arrived = [];
  hangUps = 1;
});
afterAll(async () => {
  await sidecar?.close();
  await upstream?.close();
});

const TXN = '/_matrix/federation/v1/send/1234';
const SEND = '/_matrix/client/v3/rooms/!r%3Aa.test/send/m.room.message/txn1?x=1';

describe.each([
  ['closes', (socket: Socket) => void socket.end()],
  ['resets', (socket: Socket) => void socket.resetAndDestroy()],
])('a homeserver that %s an idle connection just as a request goes out on it', (_, how) => {
  beforeEach(() => {
    hangUp = how;
  });

  describe.each(VERSIONS)('over %s', (version) => {
    const run = (ask: StreamAsk & { body?: string }) =>
      exchangeWhole(sidecar, version, {
        ...ask,
        ...(ask.body === undefined ? {} : { headers: ['Content-Length', String(ask.body.length)] }),
      });

    it.each([
      ['GET', '/_matrix/client/v3/sync', undefined],
      ['HEAD', '/_matrix/x', undefined],
      ['PUT', TXN, '{"pdus":[]}'],
      ['PUT', SEND, '{"body":"hi"}'],
      ['PUT', '/_matrix/client/v3/rooms/!r/state/m.room.name', '{}'],
    ])('%s %s is sent once more, on a fresh connection', async (method, path, body) => {
      const { status } = await run({ method, path, ...(body === undefined ? {} : { body }) });
      expect(status).toBe(200);
      expect(arrived).toEqual([`${method} ${path}`, `${method} ${path}`]);
    });

    it.each([
      ['POST', '/_matrix/client/v3/createRoom', '{}'],
      ['POST', '/_matrix/media/v3/upload', 'data'],
      ['PUT', '/_matrix/client/v3/directory/room/%23a:a.test', '{}'],
      ['PUT', '/_matrix/media/v3/upload/a.test/id', 'data'],
      ['DELETE', '/_matrix/client/v3/devices/D', '{}'],
      ['POST', '/_matrix/x', undefined],
    ])('%s %s is not repeated: the client hears of it', async (method, path, body) => {
      const { status } = await run({ method, path, ...(body === undefined ? {} : { body }) });
      expect(status).toBe(502);
      expect(arrived).toEqual([`${method} ${path}`]);
    });

    it('a PUT with a transaction id whose body was streamed is not repeated', async () => {
      const { status } = await exchangeWhole(sidecar, version, { method: 'PUT', path: TXN, body: '{}' });
      expect(status).toBe(502);
      expect(arrived).toEqual([`PUT ${TXN}`]);
    });

    it('one that hangs up on the fresh connection too gets no third request', async () => {
      hangUps = 3;
      expect((await run({ path: '/_matrix/x' })).status).toBe(502);
      expect(arrived).toHaveLength(2);
    });

    it('one that hangs up on a connection’s first request gets a second, and no third', async () => {
      hangUps = 3;
      await run({ path: '/_matrix/x' });
      arrived = [];
      hangUps = 3;
      expect((await run({ path: '/_matrix/x' })).status).toBe(502);
      expect(arrived).toHaveLength(2);
    });

    it('a request that was half answered is not repeated', async () => {
      hangUp = (socket) => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf');
        setTimeout(() => how(socket), 30);
      };
      const { complete } = await run({ path: '/_matrix/x' });
      expect(complete).toBe(false);
      expect(arrived).toHaveLength(1);
    });
  });
});

describe.each(VERSIONS)('over %s', (version) => {
  it('a connection that was closed while idle is not used: not even a POST notices', async () => {
    const closing = await startRawUpstream((socket) => {
      readRequests(socket, (head) => {
        arrived.push(head.slice(0, head.indexOf(' HTTP/')));
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}');
      });
    });
    const on = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${closing.url}" }]`);
    for (let index = 0; index < 20; index++) {
      const ask = { method: 'POST', headers: ['Content-Length', '2'], body: '{}' };
      expect((await exchangeWhole(on, version, ask)).status).toBe(200);
      await until('the close to arrive', () => closing.open() === 0);
      await pause(5);
    }
    expect(arrived).toHaveLength(20);
    await on.close();
    await closing.close();
  });

  it('bytes that nobody asked for, on an idle connection, are nobody’s answer', async () => {
    const chatty = await startRawUpstream((socket) => {
      readRequests(socket, () => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}');
        setTimeout(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nWRONG'), 5);
      });
    });
    const on = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${chatty.url}" }]`);
    for (let index = 0; index < 10; index++) {
      expect((await exchangeWhole(on, version)).body.toString()).toBe('{}');
      await pause(20);
    }
    await on.close();
    await chatty.close();
  });
});
