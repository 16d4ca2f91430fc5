import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RawOptions, type RawOutcome, sendRaw } from '../harness/client.ts';
import { captureClientHello } from '../harness/client-hello.ts';
import { FRAME, frame, headerBlock, headersFrame, openRawHttp2 } from '../harness/http2-frames.ts';
import { strangerAddress } from '../harness/loopback.ts';
import { type Edge, startEdge } from '../harness/strangers.ts';
import { isThorough } from '../harness/thorough.ts';
import { until } from '../harness/until.ts';

let edge: Edge;
let hello: Buffer;
beforeAll(async () => {
  edge = await startEdge();
  hello = await captureClientHello();
});
afterAll(() => edge?.close());

// Whatever flags the test runner was started with.
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const PATH = '/_matrix/client/v3/x';
const POST = `POST ${PATH} HTTP/1.1\r\nHost: a.test\r\n`;
const GET = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', 'a.test'],
  [':path', PATH],
] as const;

const send = (bytes: string | Buffer, options: RawOptions = {}): Promise<RawOutcome> =>
  sendRaw(edge.sidecar, bytes, { from: strangerAddress(), ...options });

/** One round of each kind of attack. The client always leaves. */
const ATTACKS: Readonly<Record<string, () => Promise<unknown>>> = {
  garbage: () => send(Buffer.alloc(2_000, 7), { plain: true }),
  'plain HTTP': () => send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n', { plain: true }),
  'half a ClientHello, then gone': () => send(hello.subarray(0, 200), { plain: true, patience: 15 }),
  'an old TLS version': () =>
    send('', {
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
      patience: 500,
    }),
  'two framings': () => send(`${POST}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n`),
  'a broken chunk': () => send(`${POST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\n0\r\n\r\n`),
  'an odd Host, never the same': () =>
    send(`GET ${PATH} HTTP/1.1\r\nHost: h${unique++}.test\r\nConnection: close\r\n\r\n`),
  'a name of nobody, never the same': () =>
    send(`GET /x${unique++} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n`, {
      servername: `h${unique}.test`,
      checkServerIdentity: () => undefined,
    }),
  'an over-long header': () => send(`${POST}X: ${'a'.repeat(40_000)}\r\n\r\n`),
  '10,000 header fields': () => send(`${POST}${'a:b\r\n'.repeat(10_000)}\r\n`),
  'a body that stops, then gone': () =>
    send(`${POST}Content-Length: 100000\r\n\r\n${'a'.repeat(70_000)}`, { patience: 15 }),
  'a hundred pipelined, then gone': () =>
    send(`GET ${PATH} HTTP/1.1\r\nHost: a.test\r\n\r\n`.repeat(100), { patience: 15 }),
  'an upgrade that is not taken up': () =>
    send(`GET ${PATH} HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`),
  'rapid reset': () =>
    http2Attack(
      Array.from({ length: 300 }, (_, index) => [
        headersFrame(2 * index + 1, GET),
        frame(FRAME.reset, 0, 2 * index + 1, Buffer.from([0, 0, 0, 8])),
      ]).flat(),
    ),
  'malformed header blocks': () =>
    http2Attack(
      Array.from({ length: 10 }, (_, index) => headersFrame(2 * index + 1, [...GET, ['connection', 'close']])),
    ),
  'a header block without end': () =>
    http2Attack([
      frame(FRAME.headers, 0, 1, headerBlock(GET)),
      ...Array<Buffer>(100).fill(frame(FRAME.continuation, 0, 1)),
    ]),
  'a flood of pings': () => http2Attack(Array<Buffer>(1_500).fill(frame(FRAME.ping, 0, 0, Buffer.alloc(8)))),
  'answers that are not taken': () => http2Attack([headersFrame(1, GET), headersFrame(3, GET)], [[4, 0]]),
};

let unique = 0;

async function http2Attack(
  frames: readonly Buffer[],
  settings: readonly (readonly [number, number])[] = [],
): Promise<void> {
  const connection = await openRawHttp2(edge.sidecar, settings);
  connection.send(...frames);
  await new Promise((resolve) => setTimeout(resolve, 15));
  connection.close();
}

const SIDE_BY_SIDE = 25;

/** Each attack, `rounds` times that many. */
async function attack(rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const one of Object.values(ATTACKS)) await Promise.all(Array.from({ length: SIDE_BY_SIDE }, one));
    edge.upstream.reset();
  }
}

interface Memory {
  readonly heap: number;
  readonly outside: number;
  readonly rss: number;
}

/** What is in use when nothing is under way and nothing is left to collect. */
async function measure(): Promise<Memory> {
  await until('nothing is under way', () => edge.sidecar.sidecar.status().requests_in_flight === 0);
  await edge.expectAlive();
  edge.upstream.reset();
  // Connections that were refused have a second to read why.
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  // The log that the tests keep is no part of the product.
  (edge.sidecar.logged as unknown[]).length = 0;
  // More than once, because finalizers of one run free what the next one finds.
  for (let run = 0; run < 5; run++) {
    collectGarbage();
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed, outside: external, rss };
}

const MIB = 1024 * 1024;

// Of 25 each: those that warm up, and those that are measured.
const [WARM, MEASURED] = isThorough ? [2, 6] : [1, 2];

it(`each attack, ${MEASURED * SIDE_BY_SIDE} times, leaves nothing behind`, { timeout: 120_000 }, async () => {
  await attack(WARM);
  const before = await measure();
  await attack(MEASURED);
  const after = await measure();
  // 2,700 attacks: 2 KiB that stay behind each of them would be 5 MiB. Without any it is 0.7 to 1, of code that warms up;
  // of a third of them, 6 KiB would.
  expect((after.heap - before.heap) / MIB).toBeLessThan(2.5);
  expect((after.outside - before.outside) / MIB).toBeLessThan(8);
  expect((after.rss - before.rss) / MIB).toBeLessThan(150);
});
