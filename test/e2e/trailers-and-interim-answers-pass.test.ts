import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sendRaw } from '../harness/client.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { exchangeWhole, openRequest, VERSIONS } from '../harness/stream-client.ts';
import { readRequests, startRawUpstream, type TestUpstream } from '../harness/upstream.ts';

let upstream: TestUpstream;
let sidecar: TestSidecar;
let answer = '';

beforeAll(async () => {
  upstream = await startRawUpstream((socket) => {
    readRequests(socket, () => socket.write(Buffer.from(answer, 'latin1')));
  });
  // Nothing is asked again, so that a broken answer is passed on at once.
  sidecar = await startTestSidecar(
    `servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]\nlimits: { hold: 0s }`,
  );
});
afterAll(async () => {
  await sidecar?.close();
  await upstream?.close();
});

const chunked = (lines: string[], trailers: string[]): string =>
  `${['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', ...lines].join('\r\n')}\r\n\r\n` +
  `2\r\n{}\r\n0\r\n${trailers.map((line) => `${line}\r\n`).join('')}\r\n`;

describe('trailers', () => {
  it.each([
    ['announced', ['Trailer: X-Sum, X-Other']],
    ['unannounced', []],
  ])('pass over HTTP/2, %s', async (_, announced) => {
    answer = chunked(announced, ['X-Sum: abc', 'X-Other: \u00e4', 'Connection: x']);
    const { trailers, body, complete } = await exchangeWhole(sidecar, 'HTTP/2');
    expect(body.toString()).toBe('{}');
    expect(complete).toBe(true);
    expect(trailers).toEqual(['x-sum', 'abc', 'x-other', '\u00e4']);
  });

  it('that stand twice pass twice over HTTP/2', async () => {
    answer = chunked([], ['X-Sum: a', 'X-Sum: b']);
    expect((await exchangeWhole(sidecar, 'HTTP/2')).trailers).toEqual(['x-sum', 'a', 'x-sum', 'b']);
  });

  it('pass over HTTP/1.1 to a client that says TE: trailers', async () => {
    answer = chunked(['Trailer: X-Sum'], ['X-Sum: abc', 'X-SUM: def', 'Keep-Alive: no']);
    const { trailers, body } = await exchangeWhole(sidecar, 'HTTP/1.1', { headers: ['TE', 'gzip;q=0.5, trailers'] });
    expect(body.toString()).toBe('{}');
    expect(trailers).toEqual(['X-Sum', 'abc', 'X-SUM', 'def']);
  });

  it.each([['none'], ['gzip'], ['x-trailers']])('are dropped over HTTP/1.1 with TE: %s', async (te) => {
    answer = chunked(['Trailer: X-Sum'], ['X-Sum: abc']);
    const headers = te === 'none' ? [] : ['TE', te];
    const { trailers, body, complete } = await exchangeWhole(sidecar, 'HTTP/1.1', { headers });
    expect([body.toString(), complete, trailers]).toEqual(['{}', true, []]);
  });

  it.each(VERSIONS)('announced and then missing do not keep the answer from ending over %s', async (version) => {
    answer = chunked(['Trailer: X-Sum'], []);
    const { body, complete } = await exchangeWhole(sidecar, version, { headers: ['TE', 'trailers'] });
    expect([body.toString(), complete]).toEqual(['{}', true]);
  });

  it.each(VERSIONS)('announced in an answer without a body do not keep it from ending over %s', async (version) => {
    for (const [method, status] of [
      ['HEAD', '200 OK'],
      ['GET', '204 No Content'],
      ['GET', '304 Not Modified'],
    ] as const) {
      answer = `HTTP/1.1 ${status}\r\nTrailer: X-Sum\r\nETag: "x"\r\n\r\n`;
      const got = await exchangeWhole(sidecar, version, { method, headers: ['TE', 'trailers'] });
      expect([got.status, got.body.length, got.complete]).toEqual([Number(status.slice(0, 3)), 0, true]);
    }
  });
});

describe.each(VERSIONS)('interim answers over %s', (version) => {
  it('pass, all of them and all their fields, before the one answer', async () => {
    answer =
      'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nLink: </b>; rel=preload\r\nX-A: 1\r\n\r\n' +
      'HTTP/1.1 102 Processing\r\n\r\n' +
      'HTTP/1.1 103 Early Hints\r\nLink: </c>; rel=preload; as=style\r\nConnection: X-Own\r\nX-Own: 1\r\n\r\n' +
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}';
    const sent = openRequest(sidecar, version);
    const { status, rawHeaders } = await sent.head;
    const { body } = await sent.end();
    sent.close();
    expect([status, body.toString()]).toEqual([200, '{}']);
    expect(rawHeaders.join()).not.toMatch(/link/i);
    const seen = sent.informational.map((one) => [one.status, one.rawHeaders.map((text) => text.toLowerCase())]);
    expect(seen).toEqual([
      [103, ['link', '</a>; rel=preload', 'link', '</b>; rel=preload', 'x-a', '1']],
      [102, []],
      [103, ['link', '</c>; rel=preload; as=style']],
    ]);
  });

  it('that cannot be passed on do not cost the answer', async () => {
    answer =
      'HTTP/1.1 103 Early Hints\r\nLink: nonsense\r\nDate: x\r\nDate: y\r\n\r\n' +
      'HTTP/1.1 199 Odd\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}';
    const { status, body } = await exchangeWhole(sidecar, version);
    expect([status, body.toString()]).toEqual([200, '{}']);
  });

  it('101 to a request that asked for no upgrade is a broken answer', async () => {
    answer = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n';
    const { status, json } = await exchangeWhole(sidecar, version);
    expect([status, json()['errcode']]).toEqual([502, 'M_UNKNOWN']);
  });
});

it('interim answers are kept from HTTP/1.0 clients, who would take them for the answer', async () => {
  answer =
    'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n' +
    'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}';
  const { text } = await sendRaw(sidecar, 'GET /_matrix/x HTTP/1.0\r\nHost: a.test\r\n\r\n');
  expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(text).not.toContain('Link');
});
