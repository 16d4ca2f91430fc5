import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sendRaw } from '../harness/client.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { exchangeWhole, openRequest, type StreamRequest, VERSIONS } from '../harness/stream-client.ts';
import { pause, until } from '../harness/until.ts';
import { startRawUpstream, type TestUpstream } from '../harness/upstream.ts';

const KIB = 1024;
const PATH = '/_matrix/federation/v1/send/txn';
const UPLOAD = '/_matrix/media/v3/upload';

let upstream: TestUpstream;
let sidecar: TestSidecar;
let arrived: { socket: Socket; bytes: number; head: string; closed: boolean }[] = [];
/** Called with every piece that a connection to the homeserver brings. */
let onBytes: (one: (typeof arrived)[number]) => void;
let sent: StreamRequest | undefined;

beforeAll(async () => {
  upstream = await startRawUpstream((socket) => {
    const one = { socket, bytes: 0, head: '', closed: false };
    arrived.push(one);
    socket.once('close', () => {
      one.closed = true;
    });
    socket.on('data', (chunk: Buffer) => {
      one.bytes += chunk.length;
      if (one.head.length < 2000) one.head += chunk.toString('latin1');
      onBytes(one);
    });
  });
  sidecar = await startTestSidecar(
    `servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]\nlimits: { body: 256KiB, upload: 20M }`,
  );
});
beforeEach(() => {
  for (const { socket } of arrived) socket.destroy();
  arrived = [];
  onBytes = () => {};
});
afterEach(() => sent?.close());
afterAll(async () => {
  await sidecar?.close();
  await upstream?.close();
});

describe.each(VERSIONS)('over %s', (version) => {
  const post = (path: string, headers: string[]): StreamRequest => {
    sent = openRequest(sidecar, version, { method: 'PUT', path, headers, hasBody: true });
    return sent;
  };

  it('a declared length above the limit is 413 before the body is sent, and the homeserver hears nothing', async () => {
    const { status, all } = await post(PATH, ['Content-Length', String(256 * KIB + 1)]).head;
    expect(status).toBe(413);
    expect(all('content-type')).toEqual(['application/json']);
    expect(all('access-control-allow-origin')).toEqual(['*']);
    const { body } = await sent!.end();
    expect(JSON.parse(body.toString())).toMatchObject({
      errcode: 'M_TOO_LARGE',
      error: expect.stringContaining('262144'),
    });
    expect(arrived).toEqual([]);
  });

  it('the 413 reaches a client that goes on sending all the same', async () => {
    const { outgoing, head } = post(PATH, ['Content-Length', String(2048 * KIB)]);
    for (let index = 0; index < 32; index++) outgoing.write(Buffer.alloc(64 * KIB));
    expect((await head).status).toBe(413);
    expect(JSON.parse((await sent!.end()).body.toString())).toMatchObject({ errcode: 'M_TOO_LARGE' });
    expect(arrived).toEqual([]);
  });

  it('a body at the limit passes, with a declared length and without one', async () => {
    onBytes = ({ bytes, socket, head }) => {
      const framing = head.indexOf('\r\n\r\n') + 4;
      if (bytes >= framing + 256 * KIB)
        socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}');
    };
    const body = Buffer.alloc(256 * KIB, 'x');
    for (const headers of [['Content-Length', String(body.length)], []]) {
      const answer = await exchangeWhole(sidecar, version, { method: 'PUT', path: PATH, headers, body });
      expect(answer.status).toBe(200);
    }
    expect(arrived).toHaveLength(2);
  });

  it('an undeclared body above the limit is 413, and what the homeserver had of it is cut off', async () => {
    const { outgoing, head } = post(PATH, []);
    outgoing.write(Buffer.alloc(128 * KIB));
    await until('the beginning at the homeserver', () => (arrived[0]?.bytes ?? 0) > 64 * KIB);
    outgoing.write(Buffer.alloc(129 * KIB));
    expect((await head).status).toBe(413);
    expect(JSON.parse((await sent!.end()).body.toString())).toMatchObject({ errcode: 'M_TOO_LARGE' });
    await until('the homeserver to be cut off', () => arrived[0]?.closed === true);
    expect(arrived).toHaveLength(1);
    // Never the end of the body, which would make a whole request of it.
    expect(arrived[0]!.head).not.toContain('\r\n0\r\n\r\n');
  });

  it('a media upload has the limit of uploads', async () => {
    onBytes = ({ bytes, socket }) => {
      if (bytes > 1024 * KIB) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}');
    };
    const body = Buffer.alloc(1024 * KIB);
    const headers = ['Content-Length', String(body.length)];
    const answer = await exchangeWhole(sidecar, version, { method: 'POST', path: UPLOAD, headers, body });
    expect(answer.status).toBe(200);
    arrived = [];
    const { head } = post(UPLOAD, ['Content-Length', String(20 * KIB * KIB + 1)]);
    expect((await head).status).toBe(413);
    expect(arrived).toEqual([]);
  });

  it("a homeserver that hangs up after 13.2 MB means that its own limit is lower: 413, not a gateway's fault", async () => {
    onBytes = ({ bytes, socket }) => {
      if (bytes > 13_200_000) socket.resetAndDestroy();
    };
    const { outgoing, head } = post(UPLOAD, ['Content-Length', '19000000']);
    for (let index = 0; index < 190 && outgoing.writable; index++) {
      if (!outgoing.write(Buffer.alloc(100_000)))
        await Promise.race([once(outgoing, 'drain').catch(() => {}), head.catch(() => {})]);
    }
    expect((await head).status).toBe(413);
    expect(JSON.parse((await sent!.end()).body.toString())).toMatchObject({ errcode: 'M_TOO_LARGE' });
  });

  it('a homeserver that hangs up on a small body has failed: 502', async () => {
    onBytes = ({ bytes, socket }) => {
      if (bytes > 100_000) socket.resetAndDestroy();
    };
    const { outgoing, head } = post(UPLOAD, ['Content-Length', '200000']);
    outgoing.end(Buffer.alloc(200_000));
    expect((await head).status).toBe(502);
  });
});

/** Waits for 100 (Continue) before it sends its body. */
const ask = (length: number): string =>
  `PUT ${PATH} HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`;

describe('Expect: 100-continue over HTTP/1.1', () => {
  it('is not met when the declared length is above the limit', async () => {
    const { text } = await sendRaw(sidecar, ask(256 * KIB + 1), { until: /\}$/ });
    expect(text).toMatch(/^HTTP\/1\.1 413 /);
    expect(text).not.toContain('100 Continue');
    expect(text).toContain('M_TOO_LARGE');
    expect(arrived).toEqual([]);
  });
});

describe.concurrent('after the refusal, over HTTP/1.1', () => {
  it('the connection ends, since what follows may or may not be the body', async () => {
    const { text, ended } = await sendRaw(sidecar, ask(256 * KIB + 1));
    expect(text).toMatch(/\r\nConnection: close\r\n/i);
    expect(ended).toBe('closed');
  });

  it('a client that never stops sending is cut off soon after its 413', async () => {
    const piece = Buffer.alloc(64 * KIB);
    const { outgoing, head, close } = openRequest(sidecar, 'HTTP/1.1', { method: 'PUT', path: PATH, hasBody: true });
    let closed = false;
    outgoing.once('close', () => {
      closed = true;
    });
    let bytes = 0;
    const began = performance.now();
    while (!closed && performance.now() - began < 10_000) {
      bytes += piece.length;
      if (!outgoing.write(piece)) await Promise.race([once(outgoing, 'drain').catch(() => {}), pause(50)]);
    }
    expect((await head).status).toBe(413);
    expect(closed).toBe(true);
    expect(bytes).toBeLessThan(24 * KIB * KIB);
    close();
  });
});
