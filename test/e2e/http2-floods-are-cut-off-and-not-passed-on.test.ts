import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { askHttp2, openHttp2 } from '../harness/client.ts';
import { FLAG, FRAME, frame, headerBlock, headersFrame, openRawHttp2, type RawHttp2 } from '../harness/http2-frames.ts';
import { type Edge, startEdge } from '../harness/strangers.ts';
import { until } from '../harness/until.ts';

let edge: Edge;
beforeAll(async () => {
  edge = await startEdge();
});
afterAll(() => edge?.close());
beforeEach(() => edge.upstream.reset());
afterEach(() => edge.expectAlive());

const GET = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', 'a.test'],
  [':path', '/_matrix/client/v3/flood'],
] as const;
const POST = [[':method', 'POST'], ...GET.slice(1)] as const;
const RESET = Buffer.from([0, 0, 0, 8]);

const goneAway = (connection: RawHttp2): boolean =>
  connection.closed() ||
  connection.received.some(({ type, payload }) => type === FRAME.goaway && payload.readUInt32BE(4) !== 0);

/** Opens a connection, sends, and waits until the sidecar has ended it. */
async function expectCut(frames: readonly Buffer[]): Promise<void> {
  const connection = await openRawHttp2(edge.sidecar);
  connection.send(...frames);
  await until('the flood is answered with GOAWAY or the end', () => goneAway(connection));
  await until('the connection is closed', connection.closed);
}

describe('rapid reset', () => {
  it('of 3,000 streams ends the connection, and hardly one reaches the homeserver', async () => {
    // Connections that wait there ready: what is begun at once is sent at once.
    const session = openHttp2(edge.sidecar);
    const asked = Array.from({ length: 60 }, () =>
      askHttp2(session, { ':path': '/_matrix/client/v3/x', ':authority': 'a.test' }),
    );
    for (const { status } of await Promise.all(asked)) expect(status).toBe(200);
    session.close();
    expect(edge.upstream.open()).toBeGreaterThan(0);
    edge.upstream.reset();
    const frames: Buffer[] = [];
    for (let stream = 1; stream < 6_000; stream += 2)
      frames.push(headersFrame(stream, GET), frame(FRAME.reset, 0, stream, RESET));
    await expectCut(frames);
    await until('nothing is under way', () => edge.sidecar.sidecar.status().requests_in_flight === 0);
    // One for each time that the network cut between a request and its reset.
    expect(edge.upstream.requests().length).toBeLessThan(5);
  });

  it('in bursts, with time between them, opens no more connections to the homeserver than streams may be open', async () => {
    const before = edge.upstream.accepted();
    const connection = await openRawHttp2(edge.sidecar);
    let stream = 1;
    for (let burst = 0; burst < 40 && !goneAway(connection); burst++) {
      const frames: Buffer[] = [];
      for (let count = 0; count < 50; count++, stream += 2)
        frames.push(headersFrame(stream, GET), frame(FRAME.reset, 0, stream, RESET));
      connection.send(...frames);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    connection.close();
    expect(edge.upstream.accepted() - before).toBeLessThan(100);
  });

  it('by requests that provoke the reset (a window update of 0 behind each) ends the connection', async () => {
    const frames: Buffer[] = [];
    for (let stream = 1; stream < 2_000; stream += 2)
      frames.push(headersFrame(stream, POST, false), frame(FRAME.windowUpdate, 0, stream, Buffer.alloc(4)));
    await expectCut(frames);
    expect(edge.upstream.requests()).toEqual([]);
  });
});

it('more than a hundred streams at once are refused, those within are answered', async () => {
  const connection = await openRawHttp2(edge.sidecar);
  const frames: Buffer[] = [];
  for (let stream = 1; stream <= 300; stream += 2) frames.push(headersFrame(stream, POST, false));
  connection.send(...frames);
  await until('some are refused', () =>
    connection.received.some(({ type }) => type === FRAME.reset || type === FRAME.goaway),
  );
  connection.close();
  await until('nothing is under way', () => edge.sidecar.sidecar.status().requests_in_flight === 0);
  expect(edge.upstream.requests()).toEqual([]);
});

describe('ends the connection:', () => {
  const block = headerBlock(GET);
  it.each([
    [
      'a header block in 5,000 frames',
      [
        frame(FRAME.headers, FLAG.endStream, 1, block),
        ...Array(5_000).fill(frame(FRAME.continuation, 0, 1, headerBlock([['x', '1']]))),
      ],
    ],
    [
      'a header block with 5,000 empty frames',
      [frame(FRAME.headers, FLAG.endStream, 1, block), ...Array(5_000).fill(frame(FRAME.continuation, 0, 1))],
    ],
    [
      'a header block of 2 MB',
      [
        frame(FRAME.headers, FLAG.endStream, 1, block),
        ...Array(125).fill(frame(FRAME.continuation, 0, 1, headerBlock([['x', 'a'.repeat(15_900)]]))),
      ],
    ],
    ['20,000 SETTINGS at once', Array(20_000).fill(frame(FRAME.settings, 0, 0, Buffer.from([0, 3, 0, 0, 0, 100])))],
    ['20,000 PINGs at once', Array(20_000).fill(frame(FRAME.ping, 0, 0, Buffer.alloc(8)))],
    ['200 header blocks of a bomb: few bytes that unpack to many', bomb()],
  ])('%s', async (_name, frames) => {
    await expectCut(frames);
    expect(edge.upstream.requests()).toEqual([]);
    expect(edge.upstream.everything()).toBe('');
  });
});

it('100,000 empty DATA frames, or PRIORITY frames, end in a cut or in an answer, soon', async () => {
  const connection = await openRawHttp2(edge.sidecar);
  const began = performance.now();
  connection.send(headersFrame(1, POST, false), ...Array(50_000).fill(frame(FRAME.data, 0, 1)));
  connection.send(...Array(50_000).fill(frame(FRAME.priority, 0, 1, Buffer.alloc(5, 3))));
  await until(
    'the body is given up',
    () =>
      connection.received.some(({ type, stream }) => stream === 1 && type === FRAME.headers) || goneAway(connection),
  );
  expect(performance.now() - began).toBeLessThan(8_000);
  connection.close();
  expect(edge.upstream.requests()).toEqual([]);
});

/** One entry of 3,900 bytes in the dynamic table, then a hundred references to it, in each of 200 requests. */
function bomb(): Buffer[] {
  const value = 'a'.repeat(3_900);
  const entry = Buffer.concat([
    Buffer.from([0x40, 1]),
    Buffer.from('x'),
    Buffer.from([127, ((3_900 - 127) & 127) | 128, (3_900 - 127) >> 7]),
    Buffer.from(value),
  ]);
  const frames: Buffer[] = [];
  for (let stream = 1; stream < 400; stream += 2) {
    const fields = Buffer.concat([
      headerBlock(GET),
      stream === 1 ? entry : Buffer.alloc(0),
      Buffer.alloc(100, 0x80 | 62),
    ]);
    frames.push(frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, stream, fields));
  }
  return frames;
}
