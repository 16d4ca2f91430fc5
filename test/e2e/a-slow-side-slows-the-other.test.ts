import type { Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, afterEach, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { openHttp2 } from '../harness/client.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { openRequest, type StreamRequest, VERSIONS } from '../harness/stream-client.ts';
import { pause, until } from '../harness/until.ts';
import { startRawUpstream, type TestUpstream } from '../harness/upstream.ts';

const MIB = 1024 * 1024;
/** What the kernel's buffers on both sides of the sidecar can hold by themselves, with room to spare. */
const A_FEW_MIB = 24 * MIB;

let upstream: TestUpstream;
let sidecar: TestSidecar;
let onConnection: (socket: Socket) => void;
let sent: StreamRequest | undefined;

beforeAll(async () => {
  upstream = await startRawUpstream((socket) => onConnection(socket));
  sidecar = await startTestSidecar(
    `servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]\nlimits: { stalled: 60s }`,
  );
});
afterEach(() => sent?.close());
afterAll(async () => {
  await sidecar?.close();
  await upstream?.close();
});

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes of buffers that are in use. */
function countBuffers(): number {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

/** Writes until `total` bytes are written or nothing is taken any more; says how many were handed to the kernel. */
function pour(socket: Socket, total: number): () => number {
  const piece = Buffer.alloc(64 * 1024, 'x');
  let queued = 0;
  const more = (): void => {
    while (queued < total && socket.writable) {
      queued += piece.length;
      if (!socket.write(piece)) return;
    }
  };
  socket.on('drain', more);
  more();
  return () => queued - socket.writableLength;
}

/** Resolves with the value once it has not changed for a while. */
async function settled(value: () => number): Promise<number> {
  for (let before = -1; ; ) {
    const now = value();
    if (now === before) return now;
    before = now;
    await pause(200);
  }
}

describe.each(VERSIONS)('over %s', (version) => {
  it('200 MiB for a client that does not read stay at the homeserver, and come when it reads', async () => {
    let poured = (): number => 0;
    onConnection = (socket) => {
      socket.once('data', () => {
        socket.write(`HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${200 * MIB}\r\n\r\n`);
        poured = pour(socket, 200 * MIB);
      });
    };
    sent = openRequest(sidecar, version);
    const incoming = await sent.incoming;
    incoming.pause();
    const memory = countBuffers();
    await until('the first bytes to leave', () => poured() > 0);
    expect(await settled(poured)).toBeLessThan(A_FEW_MIB);
    expect(countBuffers() - memory).toBeLessThan(A_FEW_MIB);
    let received = 0;
    incoming.on('data', (chunk: Buffer) => {
      received += chunk.length;
    });
    incoming.resume();
    await until('much more than that', () => received > 64 * MIB, 40_000);
  });

  it.each([
    ['with a length', ['Content-Length', String(100 * MIB)]],
    ['without a length', []],
  ])('100 MiB for a homeserver that does not read stay at the client, %s, and go when it reads', async (_, headers) => {
    let arrived = 0;
    // More than one: the sidecar asks for keys and versions by itself.
    const reading: Socket[] = [];
    onConnection = (socket) => {
      reading.push(socket);
      socket.pause();
    };
    sent = openRequest(sidecar, version, { method: 'POST', path: '/_matrix/media/v3/upload', headers, hasBody: true });
    const { outgoing } = sent;
    const piece = Buffer.alloc(64 * 1024, 'x');
    let queued = 0;
    const more = (): void => {
      while (queued < 100 * MIB) {
        queued += piece.length;
        if (!outgoing.write(piece)) return;
      }
      outgoing.end();
    };
    outgoing.on('drain', more);
    const memory = countBuffers();
    more();
    await until('the homeserver to be asked', () => queued > 0 && reading.length > 0);
    expect(await settled(() => queued)).toBeLessThan(A_FEW_MIB);
    expect(countBuffers() - memory).toBeLessThan(A_FEW_MIB);
    const read = (socket: Socket): void => {
      socket.on('data', (chunk: Buffer) => {
        arrived += chunk.length;
      });
      socket.resume();
    };
    onConnection = read;
    for (const socket of reading) read(socket);
    await until('much more than that', () => arrived > 64 * MIB, 40_000);
  });
});

describe.concurrent('a client that has stopped reading for good', () => {
  /** Everything of its own, because these wait side by side. */
  async function setUp({ onTestFinished }: TestContext, answer: (socket: Socket) => void) {
    const homeserver = await startRawUpstream((socket) => {
      socket.once('data', () => answer(socket));
    });
    const impatient = await startTestSidecar(
      `servers: [{ server_name: a.test, homeserver: "${homeserver.url}" }]\nlimits: { stalled: 1s }`,
    );
    onTestFinished(async () => {
      await impatient.close();
      await homeserver.close();
    });
    const { sidecar: running } = impatient;
    return { impatient, homeserver, inFlight: () => running.status().requests_in_flight };
  }

  it.for(VERSIONS)('is cut off, and its request at the homeserver with it, over %s', async (version, context) => {
    const { impatient, homeserver, inFlight } = await setUp(context, (socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${200 * MIB}\r\n\r\n`);
      pour(socket, 200 * MIB);
    });
    const request = openRequest(impatient, version);
    (await request.incoming).pause();
    expect(homeserver.open()).toBe(1);
    await until('the homeserver to be left alone', () => homeserver.open() === 0, 40_000);
    await until('the end of the request', () => inFlight() === 0);
    request.close();
  });

  it('is cut off too when all of the answer is with the sidecar already', async (context) => {
    const { impatient, inFlight } = await setUp(context, (socket) => {
      socket.end(`HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n${'x'.repeat(50_000)}`);
    });
    const session = openHttp2(impatient, 'https', { settings: { initialWindowSize: 1_000, enablePush: false } });
    const stream = session.request({ ':path': '/_matrix/x', ':authority': 'a.test' });
    let code: number | undefined;
    stream.on('error', () => {});
    stream.once('close', () => {
      code = stream.rstCode;
    });
    await until('the answer to begin', () => inFlight() === 1);
    await until('its end', () => inFlight() === 0, 40_000);
    await until('the client to hear of it', () => code !== undefined);
    expect(code).not.toBe(0);
    session.destroy();
  });
});
