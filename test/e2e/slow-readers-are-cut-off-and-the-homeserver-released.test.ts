import type { Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { describe, expect, it, type TestContext } from 'vitest';
import { FRAME, fateOf, frame, headersFrame, openRawHttp2 } from '../harness/http2-frames.ts';
import { type Edge, startEdge } from '../harness/strangers.ts';
import { pause, until } from '../harness/until.ts';

/** `limits.stalled` here is one second; it is looked at in steps, and the machine may be busy. */
const AT_MOST = 6_000;
/** A response that no client of these tests takes whole. */
const LENGTH = 96 * 1024 * 1024;
/** What may be under way between the homeserver and a client that does not read: buffers of three connections. */
const IN_BUFFERS = 48 * 1024 * 1024;

/** More than what the kernel wants to have free before it takes more. */
const GULP = 4 * 1024 * 1024;

const WRITE = Buffer.alloc(64 * 1024, 97);

interface Flood {
  readonly edge: Edge;
  /** Bytes that the homeserver could get rid of. */
  readonly written: () => number;
}

/** A homeserver that answers `/big` with LENGTH bytes, as fast as they are taken, and an upgrade with as many. */
async function startFlood(onTestFinished: TestContext['onTestFinished'], stalled = '1s'): Promise<Flood> {
  let written = 0;
  const pour = (socket: Socket): void => {
    const more = (): void => {
      for (let room = true; room && written < LENGTH; written += WRITE.length) room = socket.write(WRITE);
    };
    socket.on('drain', more);
    more();
  };
  const edge = await startEdge({
    limits: `limits: { handshake: 5s, request_headers: 5s, stalled: ${stalled}, keep_alive: 1s }`,
    answer(request, socket) {
      const upgrade = request.headers.some(([name]) => name.toLowerCase() === 'upgrade');
      if (upgrade) {
        socket.write(
          'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n',
        );
        pour(socket);
      } else if (request.target.endsWith('/big')) {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${LENGTH}\r\n\r\n`);
        pour(socket);
      } else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}');
    },
  });
  onTestFinished(() => edge.close());
  return { edge, written: () => written };
}

/** The request ends, the homeserver's connection with it, and it had not to send much for nothing. */
async function expectReleased({ edge, written }: Flood): Promise<void> {
  await until('the homeserver has the request', () => edge.upstream.requests().length > 0);
  const began = performance.now();
  await until('the homeserver is released', () => edge.upstream.open() === 0, 15_000);
  expect(performance.now() - began).toBeLessThan(AT_MOST);
  await until('nothing is under way', () => edge.sidecar.sidecar.status().requests_in_flight === 0);
  expect(written()).toBeLessThan(IN_BUFFERS);
  await edge.expectAlive();
}

async function openTls(edge: Edge, onTestFinished: TestContext['onTestFinished']): Promise<TLSSocket> {
  const socket = connectTls({
    host: '127.0.0.1',
    port: edge.sidecar.https,
    servername: 'localhost',
    ca: edge.sidecar.ca,
  });
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('secureConnect', resolve));
  onTestFinished(() => void socket.destroy());
  return socket;
}

const BIG = 'GET /_matrix/media/v3/download/a.test/big HTTP/1.1\r\nHost: a.test\r\n\r\n';
const FIELDS = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', 'a.test'],
] as const;
const BIG_FIELDS = [...FIELDS, [':path', '/_matrix/media/v3/download/a.test/big']] as const;
const WIDE = 0x7fffffff;

describe.concurrent('a client that asks for much and', () => {
  it('reads nothing, over HTTP/1.1', async ({ onTestFinished }) => {
    const flood = await startFlood(onTestFinished);
    const socket = await openTls(flood.edge, onTestFinished);
    socket.pause();
    socket.write(BIG);
    await expectReleased(flood);
  });

  it('reads a byte now and then, over HTTP/1.1', async ({ onTestFinished }) => {
    const flood = await startFlood(onTestFinished);
    const socket = await openTls(flood.edge, onTestFinished);
    socket.pause();
    socket.write(BIG);
    const timer = setInterval(() => socket.read(1), 50);
    onTestFinished(() => clearInterval(timer));
    await expectReleased(flood);
  });

  it('reads nothing, but goes on asking, over HTTP/1.1', async ({ onTestFinished }) => {
    const flood = await startFlood(onTestFinished);
    const socket = await openTls(flood.edge, onTestFinished);
    socket.pause();
    socket.write(BIG.repeat(20));
    await expectReleased(flood);
    expect(flood.edge.upstream.requests().length).toBe(2);
  });

  it('grants every window and does not read the connection, over HTTP/2', async ({ onTestFinished }) => {
    const flood = await startFlood(onTestFinished);
    const connection = await openRawHttp2(flood.edge.sidecar, [[4, WIDE]]);
    onTestFinished(() => connection.close());
    connection.socket.pause();
    connection.send(frame(FRAME.windowUpdate, 0, 0, Buffer.from([0x7f, 0, 0, 0])), headersFrame(1, BIG_FIELDS));
    await expectReleased(flood);
  });

  it('reads the connection and grants no window, over HTTP/2', async ({ onTestFinished }) => {
    const flood = await startFlood(onTestFinished);
    const connection = await openRawHttp2(flood.edge.sidecar, [[4, 0]]);
    onTestFinished(() => connection.close());
    connection.send(headersFrame(1, BIG_FIELDS));
    // What keeps a connection alive elsewhere must not help here.
    const timer = setInterval(() => connection.send(frame(FRAME.ping, 0, 0, Buffer.alloc(8))), 100);
    onTestFinished(() => clearInterval(timer));
    await expectReleased(flood);
    expect(flood.written()).toBeLessThan(8 * 1024 * 1024);
  });

  it('reads nothing of a WebSocket', async ({ onTestFinished }) => {
    const flood = await startFlood(onTestFinished);
    const socket = await openTls(flood.edge, onTestFinished);
    socket.pause();
    socket.write(
      'GET /_matrix/client/v3/ws HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    await expectReleased(flood);
  });
});

describe.concurrent("of the sidecar's own answers", () => {
  it('a client that pipelines requests for them and reads none is cut', async ({ onTestFinished }) => {
    const { edge } = await startFlood(onTestFinished);
    const socket = await openTls(edge, onTestFinished);
    let closed = false;
    socket.pause();
    // A paused socket is told nothing by its peer, but its writes fail.
    socket.once('close', () => {
      closed = true;
    });
    const requests = 'GET /.well-known/matrix/client HTTP/1.1\r\nHost: a.test\r\n\r\n'.repeat(50);
    const timer = setInterval(() => {
      if (!closed && socket.writableLength < 200_000) socket.write(requests);
    }, 2);
    onTestFinished(() => clearInterval(timer));
    await until('it is cut', () => closed, 18_000);
    expect(edge.upstream.requests()).toEqual([]);
    await edge.expectAlive();
  });

  it('a client that grants no window for them loses the stream, then the connection, over HTTP/2', async ({
    onTestFinished,
  }) => {
    const { edge } = await startFlood(onTestFinished);
    const connection = await openRawHttp2(edge.sidecar, [[4, 0]]);
    onTestFinished(() => connection.close());
    const streams = [1, 3, 5, 7, 9];
    for (const stream of streams)
      connection.send(headersFrame(stream, [...FIELDS, [':path', '/.well-known/matrix/client']]));
    await until('all of them are answered', () => streams.every((stream) => fateOf(connection, stream) !== undefined));
    await until(
      'all of them are reset',
      () => connection.received.filter(({ type }) => type === FRAME.reset).length === streams.length,
    );
    await until('the connection, idle now, is closed', connection.closed);
    await edge.expectAlive();
  });
});

describe.concurrent('a client that reads slowly but steadily', () => {
  it('gets the whole of it, in more time than a standstill may last', async ({ onTestFinished }) => {
    const { edge } = await startFlood(onTestFinished, '2s');
    const socket = await openTls(edge, onTestFinished);
    let taken = 0;
    socket.on('data', (chunk: Buffer) => {
      taken += chunk.length;
    });
    socket.write(BIG);
    const began = performance.now();
    // A gulp, and then nothing for a good part of what is allowed.
    for (let goal = GULP; performance.now() - began < 3_000; goal += GULP) {
      socket.resume();
      await until('the gulp is taken', () => taken >= goal);
      socket.pause();
      await pause(400);
    }
    expect(socket.destroyed).toBe(false);
    expect(edge.upstream.open()).toBe(1);
    socket.resume();
    await until('all of it has come', () => taken > LENGTH, 15_000);
  });

  it('and one that waits for an answer that is long in coming is left alone', async ({ onTestFinished }) => {
    const edge = await startEdge({
      answer: (_request, socket) =>
        void setTimeout(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}'), 2_500),
    });
    onTestFinished(() => edge.close());
    const socket = await openTls(edge, onTestFinished);
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    socket.write('GET /_matrix/client/v3/sync HTTP/1.1\r\nHost: a.test\r\n\r\n');
    const connection = await openRawHttp2(edge.sidecar);
    onTestFinished(() => connection.close());
    connection.send(headersFrame(1, [...FIELDS, [':path', '/_matrix/client/v3/sync']]));
    await until('both are answered', () => text.endsWith('{}') && fateOf(connection, 1) !== undefined);
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    expect(fateOf(connection, 1)).toBe('200');
  });
});
