import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { describe, expect, it, type TestContext } from 'vitest';
import { FLAG, FRAME, fateOf, frame, headerBlock, headersFrame, openRawHttp2 } from '../harness/http2-frames.ts';
import { strangerAddress } from '../harness/loopback.ts';
import { type Edge, startEdge, statusesIn } from '../harness/strangers.ts';
import { pause, until } from '../harness/until.ts';

/** Each of the limits of these tests, in milliseconds. */
const LIMIT = 1_000;
/** The limit, once more for the steps in which it is looked at, two seconds in which an answer may still be read. */
const AT_MOST = 2 * LIMIT + 2_000 + 3_000;

/** Each test has its own, for they mostly wait, and do so side by side. At the end all must be as before. */
async function startOwnEdge({ onTestFinished }: Pick<TestContext, 'onTestFinished'>): Promise<Edge> {
  const edge = await startEdge();
  onTestFinished(async () => {
    await edge.expectAlive();
    await edge.close();
  });
  return edge;
}

interface Trickled {
  readonly text: string;
  readonly ms: number;
  /** Bytes of the tail that were sent. */
  readonly sent: number;
}

/** Sends `head` at once and then one byte of `tail` at a time, for as long as the sidecar takes it. */
async function trickle(
  { sidecar }: Edge,
  head: string,
  tail: string,
  options: { on?: 'https' | 'http'; every?: number; from?: string } = {},
): Promise<Trickled> {
  const { on = 'https', every = 20, from: localAddress = '127.0.0.1' } = options;
  const began = performance.now();
  const socket =
    on === 'http'
      ? connectTcp(sidecar.http, '127.0.0.1')
      : connectTls({
          ...{ host: '127.0.0.1', port: sidecar.https, localAddress },
          ...{ servername: 'localhost', ca: sidecar.ca },
        });
  let text = '';
  let closed = false;
  let sent = 0;
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  socket.once('close', () => {
    closed = true;
  });
  await new Promise((resolve) => socket.once(on === 'http' ? 'connect' : 'secureConnect', resolve));
  socket.write(head);
  const timer = setInterval(() => {
    if (!closed && socket.writable && sent < tail.length) socket.write(tail.charAt(sent++));
  }, every);
  try {
    await until('the trickling connection is closed', () => closed, 20_000);
  } finally {
    clearInterval(timer);
    socket.destroy();
  }
  return { text, ms: performance.now() - began, sent };
}

const LINE = 'GET /_matrix/client/v3/x HTTP/1.1\r\nHost: a.test\r\n';
const POST = 'POST /_matrix/client/v3/x HTTP/1.1\r\nHost: a.test\r\n';

describe.concurrent('HTTP/1.1: 408 or the end of the connection, in bounded time, and nothing whole at the homeserver, for', () => {
  const rows: readonly (readonly [name: string, head: string, tail: string])[] = [
    ['a connection that asks for nothing', '', ''],
    ['a request line, byte by byte', '', LINE.repeat(100)],
    ['10,000 header bytes, byte by byte', `${LINE}X: `, 'a'.repeat(10_000)],
    ['10,000 header bytes in short lines, byte by byte', LINE, 'X: a\r\n'.repeat(1_667)],
    ['headers that stop', `${LINE}X: `, ''],
    ['line breaks before a request, byte by byte', '', '\r\n'.repeat(5_000)],
    ['headers of a second request, byte by byte', `${LINE}\r\n${LINE}X: `, 'a'.repeat(10_000)],
    ['a body with a length, byte by byte', `${POST}Content-Length: 10000\r\n\r\n`, 'a'.repeat(10_000)],
    ['a long body, byte by byte', `${POST}Content-Length: 1000000\r\n\r\n${'a'.repeat(50_000)}`, 'a'.repeat(10_000)],
    ['a body that stops', `${POST}Content-Length: 10000\r\n\r\nhello`, ''],
    ['a body in chunks of one byte', `${POST}Transfer-Encoding: chunked\r\n\r\n`, '1\r\na\r\n'.repeat(2_000)],
    ['a chunk size, byte by byte', `${POST}Transfer-Encoding: chunked\r\n\r\n`, '0'.repeat(10_000)],
    ['a chunk extension, byte by byte', `${POST}Transfer-Encoding: chunked\r\n\r\n5;`, 'a'.repeat(10_000)],
    ['trailers, byte by byte', `${POST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: `, 'a'.repeat(10_000)],
    [
      'a body that nobody wants, byte by byte',
      `POST /nowhere HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10000\r\n\r\n`,
      'a'.repeat(10_000),
    ],
    [
      'a body behind 100 Continue that does not come',
      `${POST}Expect: 100-continue\r\nContent-Length: 10000\r\n\r\n`,
      '',
    ],
  ];

  it('all of these', async (context) => {
    const edge = await startOwnEdge(context);
    const outcomes = await Promise.all(
      rows.map(async ([name, head, tail]) => ({ name, tail, ...(await trickle(edge, head, tail)) })),
    );
    for (const { name, tail, text, ms, sent } of outcomes) {
      const statuses = [...text.matchAll(/HTTP\/1\.1 ([2-5]\d\d) /g)].map((match) => Number(match[1]));
      expect(ms, name).toBeLessThan(AT_MOST);
      // A chunk size of zeros without end is malformed; all others are timed out, refused or, at worst, cut.
      expect([[408], [404], [400], [], [200, 408], [200]], `${name}: ${text}`).toContainEqual(statuses);
      if (tail !== '') expect(sent, name).toBeLessThan(tail.length);
    }
    expect(outcomes.filter(({ text }) => text.includes('HTTP/1.1 408 ')).length).toBeGreaterThanOrEqual(11);
    // Only the whole request, in front of the one that trickled.
    expect(edge.upstream.requests().map(({ method, target }) => `${method} ${target}`)).toEqual([
      'GET /_matrix/client/v3/x',
    ]);
    expect(edge.upstream.violations()).toEqual([]);
  });

  it('and on port 80 as well', async (context) => {
    const edge = await startOwnEdge(context);
    const outcomes = await Promise.all([
      trickle(edge, '', '', { on: 'http' }),
      trickle(edge, `${LINE}X: `, 'a'.repeat(10_000), { on: 'http' }),
      trickle(edge, `${POST}Content-Length: 10000\r\n\r\n`, 'a'.repeat(10_000), { on: 'http' }),
    ]);
    for (const { ms } of outcomes) expect(ms).toBeLessThan(AT_MOST);
    expect(outcomes[1].text).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('while a body that moves fast enough may take longer than any of the limits', async (context) => {
    const edge = await startOwnEdge(context);
    const length = 40 * 8_192;
    const socket = connectTls({
      host: '127.0.0.1',
      port: edge.sidecar.https,
      servername: 'localhost',
      ca: edge.sidecar.ca,
    });
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
    });
    socket.write(`${POST}Content-Length: ${length}\r\n\r\n`);
    for (let sent = 0; sent < length; sent += 8_192) {
      socket.write('a'.repeat(8_192));
      await pause(LIMIT / 15);
    }
    await until('it is answered', () => text.includes('\r\n\r\n'));
    socket.destroy();
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    expect(edge.upstream.requests().map(({ body }) => body.length)).toEqual([length]);
  });
});

describe.concurrent('HTTP/2: 408, a reset or the end of the connection, in bounded time, for', () => {
  const FIELDS = [
    [':method', 'POST'],
    [':scheme', 'https'],
    [':authority', 'a.test'],
    [':path', '/_matrix/client/v3/x'],
  ] as const;

  /** Sends one byte at a time until the stream or the connection is over. */
  async function trickleFrames(
    edge: Edge,
    head: readonly Buffer[],
    tail: Buffer,
    wrap: (byte: Buffer) => Buffer,
  ): Promise<{ fate: string | undefined; ms: number }> {
    const connection = await openRawHttp2(edge.sidecar);
    const began = performance.now();
    connection.send(...head);
    let sent = 0;
    const timer = setInterval(() => {
      if (!connection.closed() && sent < tail.length) connection.send(wrap(tail.subarray(sent, ++sent)));
    }, 20);
    try {
      await until('the stream is over', () => fateOf(connection, 1) !== undefined, 20_000);
      return { fate: fateOf(connection, 1), ms: performance.now() - began };
    } finally {
      clearInterval(timer);
      connection.close();
    }
  }

  it('all of these', async (context) => {
    const edge = await startOwnEdge(context);
    const block = headerBlock([...FIELDS, ['x', 'a'.repeat(10_000)]]);
    const whole = frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, 1, block);
    const asIs = (byte: Buffer): Buffer => byte;
    const asData = (byte: Buffer): Buffer => frame(FRAME.data, 0, 1, byte);
    const rows = {
      'a frame of 10,000 header bytes, byte by byte': trickleFrames(edge, [], whole, asIs),
      'a header block in frames of one byte': trickleFrames(
        edge,
        [frame(FRAME.headers, 0, 1, headerBlock(FIELDS))],
        block,
        (byte) => frame(FRAME.continuation, 0, 1, byte),
      ),
      'a header block that stops': trickleFrames(
        edge,
        [frame(FRAME.headers, 0, 1, headerBlock(FIELDS))],
        Buffer.alloc(0),
        asIs,
      ),
      'no frame at all': trickleFrames(edge, [], Buffer.alloc(0), asIs),
      'a body in frames of one byte': trickleFrames(
        edge,
        [headersFrame(1, FIELDS, false)],
        Buffer.alloc(10_000),
        asData,
      ),
      'a body of known length in frames of one byte': trickleFrames(
        edge,
        [headersFrame(1, [...FIELDS, ['content-length', '10000']], false)],
        Buffer.alloc(10_000),
        asData,
      ),
      'a body that stops': trickleFrames(
        edge,
        [headersFrame(1, FIELDS, false), frame(FRAME.data, 0, 1, 'hello')],
        Buffer.alloc(0),
        asData,
      ),
      'a body of empty frames': trickleFrames(edge, [headersFrame(1, FIELDS, false)], Buffer.alloc(10_000), () =>
        frame(FRAME.data, 0, 1),
      ),
    };
    for (const [name, row] of Object.entries(rows)) {
      const { fate, ms } = await row;
      expect(fate, name).toMatch(name.includes('body') ? /^(408|reset|goaway)$/ : /^(reset|goaway|closed)$/);
      expect(ms, name).toBeLessThan(AT_MOST);
    }
    expect(edge.upstream.requests()).toEqual([]);
    expect(edge.upstream.violations()).toEqual([]);
  });
});

it.concurrent('three hundred slow connections at once do not keep others from being served', async (context) => {
  const edge = await startOwnEdge(context);
  const slow = Array.from({ length: 300 }, (_, index) =>
    trickle(edge, index % 2 === 0 ? `${LINE}X: ` : `${POST}Content-Length: 100\r\n\r\n`, 'a'.repeat(99), {
      every: 200,
    }),
  );
  await pause(300);
  // Somebody else: whoever opens three hundred waits behind their own.
  const ask = await trickle(edge, `${LINE}Connection: close\r\n\r\n`, '', { from: strangerAddress() });
  expect(statusesIn({ text: ask.text, ended: 'closed', ms: ask.ms })).toEqual([200]);
  expect(ask.ms).toBeLessThan(8_000);
  for (const { ms } of await Promise.all(slow)) expect(ms).toBeLessThan(AT_MOST + 5_000);
});
