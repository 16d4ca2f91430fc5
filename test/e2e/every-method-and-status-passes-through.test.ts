import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { exchangeWhole, VERSIONS } from '../harness/stream-client.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';

interface Arrived {
  readonly method: string;
  readonly body: string;
  readonly framing: string;
}

let upstream: TestUpstream;
let sidecar: TestSidecar;
let arrived: Arrived[] = [];

beforeAll(async () => {
  upstream = await startHttpUpstream((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const framing = request.headers['content-length'] ?? request.headers['transfer-encoding'] ?? 'none';
      arrived.push({ method: request.method ?? '', body: Buffer.concat(chunks).toString(), framing });
      const status = Number(/status=(\d+)/.exec(request.url ?? '')?.[1] ?? 200);
      const body = status === 204 || status === 304 ? '' : `{"status":${status}}`;
      const length = body === '' ? {} : { 'Content-Length': body.length };
      response.sendDate = false;
      response.writeHead(status, { 'X-Status': String(status), 'Retry-After': '7', ...length }).end(body);
    });
  });
  sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]`);
});
beforeEach(() => {
  arrived = [];
});
afterAll(async () => {
  await sidecar?.close();
  await upstream?.close();
});

describe.each(VERSIONS)('over %s', (version) => {
  it.each(['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'PROPFIND', 'REPORT'])('%s without a body', async (method) => {
    const { status, json } = await exchangeWhole(sidecar, version, { method });
    expect(status).toBe(200);
    expect(json()).toEqual({ status: 200 });
    expect(arrived.map((one) => [one.method, one.body])).toEqual([[method, '']]);
  });

  it.each(['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'PROPFIND'])('%s with a body of known length', async (method) => {
    const headers = ['Content-Length', '7'];
    const { status, body } = await exchangeWhole(sidecar, version, { method, headers, body: '{"a":1}' });
    expect([status, body.toString()]).toEqual([200, '{"status":200}']);
    expect(arrived).toEqual([{ method, body: '{"a":1}', framing: '7' }]);
  });

  it.each(['GET', 'POST', 'PUT', 'DELETE', 'PATCH'])('%s with a body of unknown length', async (method) => {
    const { status } = await exchangeWhole(sidecar, version, { method, body: '{"a":1}' });
    expect(status).toBe(200);
    expect(arrived).toEqual([{ method, body: '{"a":1}', framing: 'chunked' }]);
  });

  it.each(['GET', 'DELETE', 'PUT'])('%s with an empty body of unknown length', async (method) => {
    const { status } = await exchangeWhole(sidecar, version, { method, body: '' });
    expect(status).toBe(200);
    expect(arrived.map((one) => [one.method, one.body])).toEqual([[method, '']]);
  });

  it('HEAD gets the headers and no body', async () => {
    for (let turn = 0; turn < 2; turn++) {
      const { status, body, all, complete } = await exchangeWhole(sidecar, version, { method: 'HEAD' });
      expect([status, body.length, complete]).toEqual([200, 0, true]);
      expect(all('content-length')).toEqual(['14']);
    }
    expect(arrived.map((one) => one.method)).toEqual(['HEAD', 'HEAD']);
  });

  it.each([200, 201, 204, 206, 301, 302, 304, 400, 401, 403, 404, 405, 409, 413, 429, 500, 502, 503, 504, 599])(
    'status %i, with its headers and body',
    async (status) => {
      const answer = await exchangeWhole(sidecar, version, { path: `/_matrix/x?status=${status}` });
      expect([answer.status, answer.complete]).toEqual([status, true]);
      expect([answer.all('x-status'), answer.all('retry-after')]).toEqual([[String(status)], ['7']]);
      expect(answer.body.toString()).toBe(status === 204 || status === 304 ? '' : `{"status":${status}}`);
      // Nothing of the sidecar's own in the homeserver's answer.
      expect(answer.all('access-control-allow-origin')).toEqual([]);
      expect(answer.all('date')).toEqual([]);
    },
  );
});

it('methods that only HTTP/2 can carry go on as they are', async () => {
  const { status } = await exchangeWhole(sidecar, 'HTTP/2', { method: 'get' });
  // The homeserver's parser decides, not the sidecar.
  expect(status).toBe(400);
  expect(arrived).toEqual([]);
});
