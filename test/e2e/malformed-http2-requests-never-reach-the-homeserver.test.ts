import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { askHttp2, openHttp2 } from '../harness/client.ts';
import { FLAG, FRAME, fateOf, frame, headerBlock, headersFrame, openRawHttp2 } from '../harness/http2-frames.ts';
import { type Edge, startEdge } from '../harness/strangers.ts';
import { headerOf } from '../harness/strict-http.ts';
import { until } from '../harness/until.ts';

let edge: Edge;
beforeAll(async () => {
  edge = await startEdge();
});
afterAll(() => edge?.close());
beforeEach(() => edge.upstream.reset());
afterEach(() => edge.expectAlive());

const PATH = '/_matrix/client/v3/x';
type Fields = readonly (readonly [string, string])[];
const GOOD: Fields = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', 'a.test'],
  [':path', PATH],
];
const POST: Fields = [[':method', 'POST'], ...GOOD.slice(1)];
const without = (name: string): Fields => GOOD.filter(([other]) => other !== name);
const instead = (name: string, value: string): Fields =>
  GOOD.map(([other, old]) => [other, other === name ? value : old] as const);

/** A header block each; all are malformed or meant for someone else (RFC 9113 section 8). */
const BLOCKS: Readonly<Record<string, Fields>> = {
  'no :method': without(':method'),
  'no :path': without(':path'),
  'no :scheme': without(':scheme'),
  'neither :authority nor host': without(':authority'),
  'two :path': [...GOOD, [':path', '/_matrix/client/v3/other']],
  'two :method': [...GOOD, [':method', 'POST']],
  'two :authority': [...GOOD, [':authority', 'a.test']],
  'two :scheme': [...GOOD, [':scheme', 'https']],
  ':path behind a field': [...without(':path'), ['x', '1'], [':path', PATH]],
  'an unknown pseudo-header': [...GOOD, [':protocol-x', 'websocket']],
  ':status in a request': [...GOOD, [':status', '200']],
  ':protocol without extended CONNECT': [...GOOD, [':protocol', 'websocket']],
  'a name in upper case': [...GOOD, ['X-Upper', '1']],
  connection: [...GOOD, ['connection', 'close']],
  'connection: x-forwarded-for': [...GOOD, ['connection', 'x-forwarded-for']],
  'keep-alive': [...GOOD, ['keep-alive', 'timeout=5']],
  'proxy-connection': [...GOOD, ['proxy-connection', 'close']],
  'transfer-encoding': [...POST, ['transfer-encoding', 'chunked']],
  upgrade: [...GOOD, ['upgrade', 'h2c']],
  'te: gzip': [...GOOD, ['te', 'gzip']],
  'a line break in :path': instead(':path', `${PATH} HTTP/1.1\r\nX: y`),
  'a space in :path': instead(':path', `${PATH} x`),
  'NUL in :path': instead(':path', `${PATH}\0`),
  'a byte beyond ASCII in :path': instead(':path', `${PATH}\xe9`),
  ':path without a slash': instead(':path', '_matrix/client/v3/x'),
  ':path in absolute form': instead(':path', `https://a.test${PATH}`),
  ':path with a fragment': instead(':path', `${PATH}#f`),
  'an empty :path': instead(':path', ''),
  ':path *': instead(':path', '*'),
  'a line break in :method': instead(':method', 'GET /evil HTTP/1.1\r\nX: y\r\n\r\nGET'),
  'a space in :method': instead(':method', 'GET /evil'),
  'an empty :method': instead(':method', ''),
  TRACE: instead(':method', 'TRACE'),
  CONNECT: [
    [':method', 'CONNECT'],
    [':authority', 'b.test:443'],
  ],
  'CONNECT with everything': instead(':method', 'CONNECT'),
  'a line break in :authority': instead(':authority', 'a.test\r\nx: y'),
  'user information in :authority': instead(':authority', 'me@a.test'),
  'a path in :authority': instead(':authority', 'a.test/x'),
  'an empty :authority': instead(':authority', ''),
  ':authority and another host': [...GOOD, ['host', 'b.test']],
  'two hosts': [...GOOD, ['host', 'a.test'], ['host', 'a.test']],
  'host twice, without :authority': [...without(':authority'), ['host', 'a.test'], ['host', 'b.test']],
  'an odd :scheme': instead(':scheme', 'ht\r\ntp'),
  'content-length without a body': [...POST, ['content-length', '5']],
  'two content-lengths': [...POST, ['content-length', '0'], ['content-length', '5']],
  'a content-length that is no number': [...POST, ['content-length', '+0']],
  'a content-length that overflows': [...POST, ['content-length', '18446744073709551616']],
  '200 header fields': [...GOOD, ...Array.from({ length: 200 }, () => ['x', '1'] as const)],
  'a header list of more than 32 KiB': [
    ...GOOD,
    ['x', 'a'.repeat(15_000)],
    ['y', 'a'.repeat(15_000)],
    ['z', 'a'.repeat(5_000)],
  ],
};

describe('refused with 4xx, a reset or the end of the connection:', () => {
  it.each(Object.entries(BLOCKS))('%s', async (_name, fields) => {
    const connection = await openRawHttp2(edge.sidecar);
    try {
      // The block in frames of at most 16 KiB, as the protocol demands.
      const block = headerBlock(fields);
      const parts: Buffer[] = [];
      for (let at = 0; at === 0 || at < block.length; at += 16_000) {
        const last = at + 16_000 >= block.length;
        const flags = (last ? FLAG.endHeaders : 0) | (at === 0 ? FLAG.endStream : 0);
        parts.push(frame(at === 0 ? FRAME.headers : FRAME.continuation, flags, 1, block.subarray(at, at + 16_000)));
      }
      connection.send(...parts);
      await until('the stream is over', () => fateOf(connection, 1) !== undefined);
      expect(fateOf(connection, 1)).toMatch(/^(4\d\d|reset|goaway|closed)$/);
    } finally {
      connection.close();
    }
    expect(edge.upstream.requests()).toEqual([]);
    expect(edge.upstream.everything()).toBe('');
  });
});

/** nghttp2 takes these out by itself and tells nobody; what matters is that nothing of them is left. */
const FIELDS: Readonly<Record<string, readonly [string, string]>> = {
  'a name with a space': ['x-bad y', 'evil'],
  'a name with a colon': ['x-bad:y', 'evil'],
  'a name with a line break': ['x-bad\r\nx-injected', 'evil'],
  'an empty name': ['', 'evil'],
  'a line break in a value': ['x-bad', 'a\r\nx-injected: evil'],
  'a line break and a request in a value': ['x-bad', 'a\r\n\r\nGET /evil HTTP/1.1\r\nHost: a.test\r\n\r\n'],
  'a bare CR in a value': ['x-bad', 'a\revil'],
  'a bare LF in a value': ['x-bad', 'a\nevil'],
  'NUL in a value': ['x-bad', 'a\0evil'],
};

describe('a field that HTTP/1.1 could not carry goes no further:', () => {
  it.each(Object.entries(FIELDS))('%s', async (_name, field) => {
    const connection = await openRawHttp2(edge.sidecar);
    connection.send(headersFrame(1, [...GOOD, field, ['x-good', 'kept']]));
    await until('the stream is over', () => fateOf(connection, 1) !== undefined);
    connection.close();
    expect(fateOf(connection, 1)).toMatch(/^(200|4\d\d|reset|goaway|closed)$/);
    expect(edge.upstream.violations()).toEqual([]);
    expect(edge.upstream.everything()).not.toMatch(/evil|x-bad|x-injected/);
    for (const request of edge.upstream.requests()) {
      expect(request.target).toBe(PATH);
      expect(headerOf(request, 'x-good')).toBe('kept');
    }
  });
});

it('a refusal can be read: status, Matrix error, CORS', async () => {
  const session = openHttp2(edge.sidecar);
  for (const [headers, status] of [
    [{ ':path': PATH, ':authority': 'a.test:99999' }, 400],
    [{ ':path': `${PATH}#f`, ':authority': 'a.test' }, 400],
    [{ ':path': PATH, ':authority': 'a.test', host: 'b.test' }, 400],
    [{ ':path': PATH, ':authority': 'a.test', ':method': 'TRACE' }, 405],
  ] as const) {
    const answer = await askHttp2(session, headers);
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toBe('application/json');
    expect(answer.headers['access-control-allow-origin']).toBe('*');
    expect(JSON.parse(answer.body.toString())).toMatchObject({ errcode: expect.stringMatching(/^M_/) });
  }
  session.close();
  expect(edge.upstream.everything()).toBe('');
});

it(':scheme http on a TLS connection does not make it clear text for the homeserver', async () => {
  const connection = await openRawHttp2(edge.sidecar);
  connection.send(headersFrame(1, instead(':scheme', 'http')));
  await until('the stream is over', () => fateOf(connection, 1) !== undefined);
  connection.close();
  expect(fateOf(connection, 1)).toMatch(/^(200|4\d\d|reset)$/);
  for (const request of edge.upstream.requests()) expect(headerOf(request, 'x-forwarded-proto')).toBe('https');
});

describe('a body that is not of the length it declares never becomes a whole request:', () => {
  it.each([
    ['longer, in one frame', 5, [['hello world', true]]],
    [
      'longer, in a further frame',
      5,
      [
        ['hello', false],
        [' world', true],
      ],
    ],
    ['shorter', 50, [['hello', true]]],
    [
      'shorter, with an empty frame at the end',
      50,
      [
        ['hello', false],
        ['', true],
      ],
    ],
    ['none at all', 5, [['', true]]],
    [
      'shorter, and too long to be collected',
      100_000,
      [
        ['x'.repeat(16_000), false],
        ['x'.repeat(16_000), true],
      ],
    ],
    ['longer than 0', 0, [['hello', true]]],
  ] as const)('%s', async (_name, length, chunks) => {
    const connection = await openRawHttp2(edge.sidecar);
    connection.send(
      headersFrame(1, [...POST, ['content-length', String(length)]], false),
      ...chunks.map(([data, end]) => frame(FRAME.data, end ? FLAG.endStream : 0, 1, data)),
    );
    await until('the stream is over', () => fateOf(connection, 1) !== undefined);
    expect(fateOf(connection, 1)).toMatch(/^(4\d\d|reset|goaway|closed)$/);
    connection.close();
    expect(edge.upstream.requests()).toEqual([]);
    expect(edge.upstream.violations()).toEqual([]);
  });

  it('while one of the right length does, once', async () => {
    const connection = await openRawHttp2(edge.sidecar);
    connection.send(
      headersFrame(1, [...POST, ['content-length', '11']], false),
      frame(FRAME.data, 0, 1, 'hello'),
      frame(FRAME.data, 0, 1, ''),
      frame(FRAME.data, FLAG.endStream, 1, ' world'),
    );
    await until('the stream is over', () => fateOf(connection, 1) !== undefined);
    connection.close();
    expect(fateOf(connection, 1)).toBe('200');
    expect(edge.upstream.requests().map(({ body }) => body.toString())).toEqual(['hello world']);
  });
});

describe('frames that the protocol forbids end the stream or the connection:', () => {
  const open = headersFrame(1, POST, false);
  const WINDOW_OF_0 = Buffer.alloc(4);
  it.each([
    ['DATA on a stream that was never opened', [frame(FRAME.data, FLAG.endStream, 7, 'hello')]],
    ['DATA on stream 0', [frame(FRAME.data, 0, 0, 'hello')]],
    ['HEADERS on stream 0', [headersFrame(0, GOOD)]],
    ['HEADERS on an even stream', [headersFrame(2, GOOD)]],
    ['a frame of more than 16 KiB', [open, frame(FRAME.data, 0, 1, Buffer.alloc(20_000))]],
    ['padding longer than the frame', [open, frame(FRAME.data, 0x8, 1, Buffer.from([200, 1, 2]))]],
    ['a header block that is no HPACK', [frame(FRAME.headers, 0x5, 1, Buffer.alloc(50, 0xff))]],
    ['CONTINUATION of nothing', [frame(FRAME.continuation, FLAG.endHeaders, 1, headerBlock(GOOD))]],
    [
      'another frame inside a header block',
      [frame(FRAME.headers, 0, 1, headerBlock(GOOD)), frame(FRAME.ping, 0, 0, Buffer.alloc(8))],
    ],
    ['WINDOW_UPDATE by 0 on the connection', [frame(FRAME.windowUpdate, 0, 0, WINDOW_OF_0)]],
    ['WINDOW_UPDATE by 0 on a stream', [open, frame(FRAME.windowUpdate, 0, 1, WINDOW_OF_0)]],
    [
      'WINDOW_UPDATE beyond 2^31',
      [
        frame(FRAME.windowUpdate, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff])),
        frame(FRAME.windowUpdate, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff])),
      ],
    ],
    ['SETTINGS of an odd length', [frame(FRAME.settings, 0, 0, Buffer.alloc(5))]],
    ['SETTINGS with an impossible window', [frame(FRAME.settings, 0, 0, Buffer.from([0, 4, 0xff, 0xff, 0xff, 0xff]))]],
    ['PING of a wrong length', [frame(FRAME.ping, 0, 0, Buffer.alloc(3))]],
    [
      'PUSH_PROMISE from a client',
      [open, frame(5, 0x4, 1, Buffer.concat([Buffer.from([0, 0, 0, 2]), headerBlock(GOOD)]))],
    ],
    ['pseudo-headers as trailers', [open, frame(FRAME.headers, 0x5, 1, headerBlock([[':path', '/evil']]))]],
    [
      'trailers that do not end the stream',
      [open, frame(FRAME.headers, FLAG.endHeaders, 1, headerBlock([['x', '1']]))],
    ],
    ['no HTTP/2 at all', [Buffer.from('GET /evil HTTP/1.1\r\nHost: a.test\r\n\r\n')]],
    [
      'random bytes',
      [Buffer.from(Array.from({ length: 3_000 }, (_, index) => (index * index * 31 + index * 7) & 0xff))],
    ],
  ])('%s', async (_name, frames) => {
    const connection = await openRawHttp2(edge.sidecar);
    connection.send(...frames);
    const over = (): boolean => fateOf(connection, 1) !== undefined || fateOf(connection, 2) !== undefined;
    await until('the stream or the connection is over', over);
    connection.close();
    expect(edge.upstream.requests()).toEqual([]);
    expect(edge.upstream.violations()).toEqual([]);
    expect(edge.upstream.everything()).not.toContain('evil');
  });
});
