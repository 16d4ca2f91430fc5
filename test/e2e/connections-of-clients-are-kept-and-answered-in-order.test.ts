import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openRaw, type RawSocket } from '../harness/raw-socket.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { until } from '../harness/until.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';

interface Arrived {
  readonly line: string;
  body: string;
  readonly response: ServerResponse;
}

let upstream: TestUpstream;
let sidecar: TestSidecar;
let client: RawSocket;
let arrived: Arrived[] = [];
let onRequest: (request: IncomingMessage, one: Arrived) => void;

const echo = (_request: IncomingMessage, one: Arrived): void =>
  void one.response.setHeader('Content-Length', one.line.length + 2).end(`[${one.line}]`);

beforeAll(async () => {
  upstream = await startHttpUpstream((request, response) => {
    const one: Arrived = { line: `${request.method} ${request.url}`, body: '', response };
    request.on('error', () => {});
    request.on('data', (chunk: Buffer) => {
      one.body += chunk.toString();
    });
    request.on('end', () => {
      arrived.push(one);
      onRequest(request, one);
    });
  });
  sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]`);
});
beforeEach(() => {
  arrived = [];
  onRequest = echo;
  client = openRaw(sidecar);
});
afterEach(() => client.socket.destroy());
afterAll(async () => {
  await sidecar?.close();
  await upstream?.close();
});

const get = (path: string, ...more: string[]): string =>
  `${[`GET ${path} HTTP/1.1`, 'Host: a.test', ...more].join('\r\n')}\r\n\r\n`;
const put = (path: string, body: string): string =>
  `PUT ${path} HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const bodies = (text: string): string[] => [...text.matchAll(/\[([^\]]*)\]/g)].map((match) => match[1]!);

describe('HTTP/1.1', () => {
  it('many requests, one after the other, use one connection', async () => {
    for (let index = 0; index < 50; index++) {
      client.write(index % 2 === 0 ? get(`/_matrix/${index}`) : put(`/_matrix/${index}`, 'body'));
      await client.untilText(new RegExp(`/${index}\\]$`));
    }
    expect(client.isClosed()).toBe(false);
    expect(arrived).toHaveLength(50);
    expect(client.text()).not.toMatch(/connection: close/i);
  });

  it('a connection stays open after every kind of answer, the sidecar’s own among them', async () => {
    onRequest = (_request, { line, response }) => {
      if (line.includes('304')) response.writeHead(304).end();
      else if (line.includes('204')) response.writeHead(204).end();
      else if (line.includes('chunked')) response.writeHead(500).end('[chunked]');
      else response.end('[last]');
    };
    client.write(get('/_matrix/304'));
    await client.untilText(/304 Not Modified\r\n.*\r\n\r\n$/s);
    client.write(get('/_matrix/204'));
    await client.untilText(/204 No Content\r\n.*\r\n\r\n$/s);
    client.write('HEAD /_matrix/chunked HTTP/1.1\r\nHost: a.test\r\n\r\n');
    await client.untilText(/500 Internal Server Error\r\n.*\r\n\r\n$/s);
    client.write(get('/_matrix/chunked'));
    await client.untilText(/\[chunked\]\r\n0\r\n\r\n$/s);
    client.write(get('/nothing-here'));
    await client.untilText(/M_UNRECOGNIZED.*\}$/s);
    client.write(get('/.well-known/matrix/server'));
    await client.untilText(/M_NOT_FOUND.*\}$/s);
    client.write(get('/_matrix/last'));
    await client.untilText(/\[last\]/);
    expect(client.isClosed()).toBe(false);
  });

  it('Connection: close is honoured', async () => {
    client.write(get('/_matrix/x', 'Connection: close'));
    const text = await client.untilClosed();
    expect(bodies(text)).toEqual(['GET /_matrix/x']);
    expect(text).toMatch(/\r\nConnection: close\r\n/i);
  });

  it('pipelined requests are answered in their order, whichever the homeserver answers first', async () => {
    const waiting: Arrived[] = [];
    onRequest = (request, one) => {
      if (one.line.includes('slow')) waiting.push(one);
      else echo(request, one);
    };
    client.write(
      get('/_matrix/slow') + get('/_matrix/two') + get('/_matrix/three') + get('/nothing') + get('/_matrix/five'),
    );
    await until('the slow one at the homeserver', () => waiting.length === 1);
    setTimeout(() => echo({} as IncomingMessage, waiting[0]!), 100);
    const text = await client.untilText(/five\]/);
    expect(bodies(text)).toEqual(['GET /_matrix/slow', 'GET /_matrix/two', 'GET /_matrix/three', 'GET /_matrix/five']);
    expect(text.indexOf('M_UNRECOGNIZED')).toBeGreaterThan(text.indexOf('three]'));
    expect(text.indexOf('M_UNRECOGNIZED')).toBeLessThan(text.indexOf('five]'));
  });

  it('pipelined requests with bodies are taken apart where they end', async () => {
    client.write(
      put('/_matrix/1', 'one') +
        get('/_matrix/2') +
        put('/_matrix/3', '') +
        put('/_matrix/4', 'GET / HTTP/1.1\r\n\r\n'),
    );
    expect(bodies(await client.untilText(/4\]/))).toEqual(
      [1, 2, 3, 4].map((n) => `${n === 2 ? 'GET' : 'PUT'} /_matrix/${n}`),
    );
    const sorted = arrived.toSorted((one, other) => one.line.slice(-1).localeCompare(other.line.slice(-1)));
    expect(sorted.map((one) => one.body)).toEqual(['one', '', '', 'GET / HTTP/1.1\r\n\r\n']);
  });

  it('pipelined requests that change something reach the homeserver one after the other', async () => {
    // RFC 9112 section 9.3.2: only safe methods may be handled at the same time.
    const waiting: Arrived[] = [];
    onRequest = (_request, one) => void waiting.push(one);
    client.write(put('/_matrix/1', 'first') + put('/_matrix/2', 'second'));
    await until('the first at the homeserver', () => waiting.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(arrived.map((one) => one.line)).toEqual(['PUT /_matrix/1']);
    echo({} as IncomingMessage, waiting[0]!);
    await until('the second at the homeserver', () => waiting.length === 2);
    echo({} as IncomingMessage, waiting[1]!);
    expect(bodies(await client.untilText(/2\]/))).toEqual(['PUT /_matrix/1', 'PUT /_matrix/2']);
  });

  it('one connection cannot hold an unbounded number of requests open at the homeserver', async () => {
    onRequest = () => {};
    for (let index = 0; index < 20; index++) client.write(get('/_matrix/client/v3/sync').repeat(100));
    await until('the first at the homeserver', () => arrived.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(arrived.length).toBeLessThanOrEqual(100);
  });
});

describe('HTTP/1.0', () => {
  const old = (line: string, ...more: string[]): string => `${[`${line} HTTP/1.0`, ...more].join('\r\n')}\r\n\r\n`;

  it('the connection ends with the answer', async () => {
    client.write(old('GET /_matrix/x', 'Host: a.test'));
    const text = await client.untilClosed();
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(bodies(text)).toEqual(['GET /_matrix/x']);
  });

  it('without a Host header the one homeserver is meant', async () => {
    client.write(old('GET /_matrix/x'));
    expect(bodies(await client.untilClosed())).toEqual(['GET /_matrix/x']);
  });

  it('an answer of unknown length comes without chunks, ended by the connection', async () => {
    onRequest = (_request, { response }) => {
      response.write('one ');
      setTimeout(() => response.end('two'), 50);
    };
    client.write(old('GET /_matrix/x', 'Host: a.test'));
    const text = await client.untilClosed();
    expect(text).not.toMatch(/transfer-encoding/i);
    expect(text).toMatch(/\r\n\r\none two$/);
  });

  it('an answer of known length keeps the connection for a client that asks for it', async () => {
    for (let index = 0; index < 3; index++) {
      client.write(old(`GET /_matrix/${index}`, 'Host: a.test', 'Connection: keep-alive'));
      await client.untilText(new RegExp(`/${index}\\]$`));
    }
    expect(client.isClosed()).toBe(false);
    expect(client.text()).toMatch(/\r\nConnection: keep-alive\r\n/i);
  });

  it('trailers and chunks of the homeserver do not reach it', async () => {
    onRequest = (_request, { response }) => {
      response.writeHead(200, { Trailer: 'X-Sum' });
      response.write('body');
      response.addTrailers({ 'X-Sum': '1' });
      response.end();
    };
    client.write(old('GET /_matrix/x', 'Host: a.test', 'TE: trailers'));
    expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 200 OK\r\n(?!.*sum).*\r\n\r\nbody$/is);
  });

  it('a body of known length is forwarded', async () => {
    client.write(`${old('POST /_matrix/x', 'Host: a.test', 'Content-Length: 5')}hello`);
    expect(bodies(await client.untilClosed())).toEqual(['POST /_matrix/x']);
    expect(arrived[0]!.body).toBe('hello');
  });
});
