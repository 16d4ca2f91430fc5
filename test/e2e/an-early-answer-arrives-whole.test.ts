import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { sendRaw } from '../harness/client.ts';
import { openRaw } from '../harness/raw-socket.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { openRequest, type StreamRequest, VERSIONS } from '../harness/stream-client.ts';
import { pause, until } from '../harness/until.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';

const UPLOAD = { method: 'POST', path: '/_matrix/media/v3/upload', hasBody: true } as const;
const REFUSAL = JSON.stringify({
  errcode: 'M_UNKNOWN_TOKEN',
  error: 'Access token has expired',
  pad: 'x'.repeat(100_000),
});

let upstream: TestUpstream;
let sidecar: TestSidecar;
let onRequest: (request: IncomingMessage, response: ServerResponse) => void;
let closed = false;
let sent: StreamRequest | undefined;

beforeAll(async () => {
  upstream = await startHttpUpstream((request, response) => {
    closed = false;
    request.on('error', () => {});
    request.socket.once('close', () => {
      closed = true;
    });
    onRequest(request, response);
  });
  sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]`);
});
afterEach(() => sent?.close());
afterAll(async () => {
  await sidecar?.close();
  await upstream?.close();
});

/** Answers on the headers alone and reads no more. */
function refuse(request: IncomingMessage, response: ServerResponse): void {
  request.pause();
  response.writeHead(401, { 'Content-Type': 'application/json', 'Content-Length': REFUSAL.length }).end(REFUSAL);
}

/** Answers on the headers alone and throws away what comes: one that hung up could lose its own answer by a reset. */
function refuseAndIgnore(request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  response.writeHead(401, { 'Content-Type': 'application/json', 'Content-Length': REFUSAL.length }).end(REFUSAL);
}

describe.each(VERSIONS)('over %s', (version) => {
  it('to a client that waits with its body', async () => {
    onRequest = refuse;
    sent = openRequest(sidecar, version, UPLOAD);
    sent.outgoing.write('first');
    expect((await sent.head).status).toBe(401);
    const { body, complete } = await sent.end();
    expect([body.toString() === REFUSAL, complete]).toEqual([true, true]);
    await until('the homeserver to be left alone', () => closed);
  });

  it.each([
    ['of known length', ['Content-Length', '3000000']],
    ['of unknown length', []],
  ])('to a client that goes on with its body, %s', async (_, headers) => {
    onRequest = refuseAndIgnore;
    sent = openRequest(sidecar, version, { ...UPLOAD, headers });
    const { outgoing } = sent;
    const answer = sent.head.then(async (head) => ({ ...head, ...(await sent!.end()) }));
    for (let index = 0; index < 30 && !outgoing.destroyed; index++) {
      outgoing.write(Buffer.alloc(100_000));
      await pause(1);
    }
    const { status, body, complete } = await answer;
    expect([status, body.toString() === REFUSAL, complete]).toEqual([401, true, true]);
  });

  it('in chunks, with the body still on its way', async () => {
    onRequest = (request, response) => {
      request.pause();
      response.writeHead(403);
      response.write('no');
      response.end('pe');
    };
    sent = openRequest(sidecar, version, UPLOAD);
    sent.outgoing.write(Buffer.alloc(10_000));
    expect((await sent.head).status).toBe(403);
    const { body, complete } = await sent.end();
    expect([body.toString(), complete]).toEqual(['nope', true]);
  });

  it('without a body (204), with the request’s body still on its way', async () => {
    onRequest = (request, response) => {
      request.pause();
      response.writeHead(204).end();
    };
    sent = openRequest(sidecar, version, UPLOAD);
    sent.outgoing.write(Buffer.alloc(10_000));
    expect((await sent.head).status).toBe(204);
    expect((await sent.end()).complete).toBe(true);
    const { outgoing } = sent;
    for (let bytes = 0; bytes < 50_000_000 && !outgoing.destroyed; bytes += 100_000) {
      outgoing.write(Buffer.alloc(100_000));
      await pause(0);
    }
    await until('the sidecar to stop taking the body', () => outgoing.destroyed);
  });

  it('and the next request has a connection to the homeserver that is in order', async () => {
    onRequest = refuse;
    sent = openRequest(sidecar, version, UPLOAD);
    sent.outgoing.write(Buffer.alloc(100_000));
    await sent.head;
    await sent.end();
    onRequest = (_request, response) => response.end('fine');
    for (let index = 0; index < 3; index++) {
      const next = openRequest(sidecar, version);
      expect((await next.end()).body.toString()).toBe('fine');
      next.close();
    }
  });
});

it('to a client that does not look at answers before its whole body is sent', async () => {
  onRequest = refuse;
  const socket = connect({ host: '127.0.0.1', port: sidecar.https, servername: 'localhost', ca: sidecar.ca });
  let failure: Error | undefined;
  socket.on('error', (error) => {
    failure = error;
  });
  const body = Buffer.alloc(3_000_000);
  socket.pause();
  socket.write(`POST ${UPLOAD.path} HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${body.length}\r\n\r\n`);
  await new Promise<void>((resolve) => socket.write(body, () => resolve()));
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  socket.resume();
  await until('the whole answer', () => text.length > REFUSAL.length);
  expect(text.startsWith('HTTP/1.1 401 ')).toBe(true);
  expect(text.endsWith(REFUSAL)).toBe(true);
  expect(failure).toBe(undefined);
  socket.destroy();
});

it('and a client that never stops sending is cut off soon after it', async () => {
  onRequest = refuse;
  const client = openRaw(sidecar);
  client.write(`POST ${UPLOAD.path} HTTP/1.1\r\nHost: a.test\r\nContent-Length: 1000000000\r\n\r\n`);
  let bytes = 0;
  const more = (): void => {
    while (!client.isClosed() && client.socket.writable && bytes < 1_000_000_000) {
      bytes += 64_000;
      if (!client.socket.write(Buffer.alloc(64_000))) return;
    }
  };
  client.socket.on('drain', more);
  more();
  const text = await client.untilClosed();
  expect(text.startsWith('HTTP/1.1 401 ')).toBe(true);
  expect(bytes).toBeLessThan(64_000_000);
});

it('what is left of the body is never taken for a request', async () => {
  let asked = 0;
  onRequest = (request, response) => {
    asked++;
    refuse(request, response);
  };
  const inner = 'GET /_matrix/inner HTTP/1.1\r\nHost: a.test\r\n\r\n';
  const { text } = await sendRaw(sidecar, [
    `POST ${UPLOAD.path} HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${200_000 + inner.length}\r\n\r\n${'x'.repeat(200_000)}`,
    inner,
    'GET /_matrix/after HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n',
  ]);
  expect(text).toMatch(/^HTTP\/1\.1 401 /);
  // The body was whole in the end, so the request behind it may be answered; the one inside it may not.
  expect(text.match(/HTTP\/1\.1 401 /g)?.length).toBe(asked);
  expect(asked).toBeLessThanOrEqual(2);
});
