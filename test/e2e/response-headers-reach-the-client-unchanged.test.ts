import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sendRaw } from '../harness/client.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { exchangeWhole, VERSIONS } from '../harness/stream-client.ts';
import { readRequests, startRawUpstream, type TestUpstream } from '../harness/upstream.ts';

let upstream: TestUpstream;
let sidecar: TestSidecar;
/** What the homeserver says, byte for byte. */
let answer = '';

beforeAll(async () => {
  upstream = await startRawUpstream((socket) => {
    readRequests(socket, () => socket.write(Buffer.from(answer, 'latin1')));
  });
  sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]`);
});
afterAll(async () => {
  await sidecar?.close();
  await upstream?.close();
});

function say(lines: readonly string[], body = '{}'): void {
  answer = `${['HTTP/1.1 200 OK', ...lines, `Content-Length: ${body.length}`].join('\r\n')}\r\n\r\n${body}`;
}

/** As pairs, without what Node's own server says about the connection to the client. */
function fields(rawHeaders: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (!/^(connection|keep-alive)$/i.test(rawHeaders[index]!))
      pairs.push([rawHeaders[index]!, rawHeaders[index + 1]!]);
  }
  return pairs;
}

describe.each(VERSIONS)('over %s', (version) => {
  const cased = (name: string): string => (version === 'HTTP/2' ? name.toLowerCase() : name);
  const received = async () => fields((await exchangeWhole(sidecar, version)).rawHeaders);

  it('order, duplicates and case are kept', async () => {
    say(['Set-Cookie: a=1; Path=/', 'X-One: 1', 'sET-cOOKIE: b=2', 'Vary: Origin', 'Vary: Accept', 'X-Empty:']);
    expect(await received()).toEqual([
      [cased('Set-Cookie'), 'a=1; Path=/'],
      [cased('X-One'), '1'],
      [cased('sET-cOOKIE'), 'b=2'],
      [cased('Vary'), 'Origin'],
      [cased('Vary'), 'Accept'],
      [cased('X-Empty'), ''],
      [cased('Content-Length'), '2'],
    ]);
  });

  it('nothing is added: no Date, no Server, no Content-Type', async () => {
    say([]);
    expect(await received()).toEqual([[cased('Content-Length'), '2']]);
  });

  it("the homeserver's Date, Server and CORS headers are its own, once", async () => {
    const own = ['Date: Tue, 01 Jan 2030 00:00:00 GMT', 'Server: Synapse/1.160', 'Access-Control-Allow-Origin: *'];
    say(own);
    const lines = (await received()).map(([name, value]) => `${name}: ${value}`);
    expect(lines).toEqual([...own.map((line) => line.replace(/^[^:]+/, cased)), `${cased('Content-Length')}: 2`]);
  });

  it('bytes above ASCII in a value arrive as they came', async () => {
    say(['X-Bytes: \u00e4\u00c3\u00a4\u00ff']);
    expect(await received()).toContainEqual([cased('X-Bytes'), '\u00e4\u00c3\u00a4\u00ff']);
  });

  it.each([['Date'], ['Server'], ['Content-Type'], ['ETag'], ['Content-Disposition']])(
    'a field that should stand once and stands twice costs nobody the answer: %s',
    async (name) => {
      say([`${name}: "x"`, `${name}: "y"`]);
      const { status, body } = await exchangeWhole(sidecar, version);
      expect(status).toBe(200);
      expect(body.toString()).toBe('{}');
    },
  );

  it.each([
    ['Keep-Alive: timeout=99'],
    ['Proxy-Connection: keep-alive'],
    ['Proxy-Authenticate: Basic'],
    ['Upgrade: h2c'],
    ['TE: trailers'],
    ['Connection: X-Private', 'X-Private: secret'],
    ['X-Private: secret', 'Connection: keep-alive, x-private'],
  ])("what concerns the homeserver's connection goes no further: %s", async (...lines) => {
    say(lines);
    const { rawHeaders, status } = await exchangeWhole(sidecar, version);
    expect(status).toBe(200);
    expect(fields(rawHeaders)).toEqual([[cased('Content-Length'), '2']]);
    expect(rawHeaders.join()).not.toMatch(/timeout=99|secret/);
  });

  it('a header section of 60 KiB passes', async () => {
    say(Array.from({ length: 60 }, (_, index) => `X-Long-${index}: ${'x'.repeat(1000)}`));
    const { status, rawHeaders } = await exchangeWhole(sidecar, version, { maxHeader: 128 * 1024 });
    expect(status).toBe(200);
    expect(fields(rawHeaders)).toHaveLength(61);
  });

  it('a chunked answer arrives whole, and not with a length that nobody gave', async () => {
    answer = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n';
    const { rawHeaders, body, complete } = await exchangeWhole(sidecar, version);
    expect(body.toString()).toBe('hello world');
    expect(complete).toBe(true);
    const framing = version === 'HTTP/2' ? [] : [['Transfer-Encoding', 'chunked']];
    expect(fields(rawHeaders)).toEqual([[cased('X-A'), '1'], ...framing]);
  });
});

describe('over HTTP/1.1', () => {
  const line = async () => {
    const { text } = await sendRaw(sidecar, 'GET /_matrix/x HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n');
    return text.slice(0, text.indexOf('\r\n'));
  };

  it('the reason phrase is the one that the homeserver chose', async () => {
    answer = 'HTTP/1.1 404 Nobody Home\r\nContent-Length: 0\r\n\r\n';
    expect(await line()).toBe('HTTP/1.1 404 Nobody Home');
  });

  it.each([
    ['without one', 'HTTP/1.1 200\r\n'],
    ['with an empty one', 'HTTP/1.1 200 \r\n'],
    ['in UTF-8', 'HTTP/1.1 200 \u00c3\u0096k\u00e2\u0082\u00ac\r\n'],
    ['in ISO 8859-1', 'HTTP/1.1 200 \u00d6k\r\n'],
  ])('an answer %s passes with a legal reason phrase', async (_, status) => {
    answer = `${status}Content-Length: 0\r\n\r\n`;
    expect(await line()).toMatch(/^HTTP\/1\.1 200 [\x20-\x7e]+$/);
  });

  it('the connection to the client stays usable whatever the homeserver says of its own', async () => {
    answer = 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}';
    const twice = 'GET /_matrix/x HTTP/1.1\r\nHost: a.test\r\n\r\n'.repeat(2);
    const { text } = await sendRaw(sidecar, twice, { until: /\{\}.*\{\}$/s });
    expect(text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2);
    expect(text).not.toMatch(/connection: close/i);
  });
});
