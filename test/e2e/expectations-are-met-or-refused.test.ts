import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sendRaw } from '../harness/client.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { openRequest } from '../harness/stream-client.ts';
import { until } from '../harness/until.ts';
import { readRequests, startRawUpstream, type TestUpstream } from '../harness/upstream.ts';

let upstream: TestUpstream;
let sidecar: TestSidecar;
let arrived: { head: string; body: string }[] = [];

beforeAll(async () => {
  upstream = await startRawUpstream((socket) => {
    readRequests(socket, (head, body) => {
      arrived.push({ head, body: body.toString() });
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}');
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

const head = (path: string, ...lines: string[]): string =>
  `${[`PUT ${path} HTTP/1.1`, 'Host: a.test', ...lines].join('\r\n')}\r\n\r\n`;

describe('over HTTP/1.1', () => {
  it.each([['100-continue'], ['100-Continue']])(
    'Expect: %s gets its 100, then sends its body, then gets its answer',
    async (expectation) => {
      const { text } = await sendRaw(sidecar, head('/_matrix/x', `Expect: ${expectation}`, 'Content-Length: 5'), {
        until: /100 Continue\r\n\r\n/,
      });
      expect(text).toBe('HTTP/1.1 100 Continue\r\n\r\n');
      // Nothing of a request without its small body reaches the homeserver.
      expect(arrived).toEqual([]);
      const whole = [head('/_matrix/x', `Expect: ${expectation}`, 'Content-Length: 5', 'Connection: close'), 'hello'];
      const outcome = await sendRaw(sidecar, whole);
      expect(outcome.text).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
      expect(arrived.map((one) => one.body)).toEqual(['hello']);
      expect(arrived[0]!.head).not.toMatch(/expect/i);
    },
  );

  it('a body of unknown length is asked for too', async () => {
    const parts = [
      head('/_matrix/x', 'Expect: 100-continue', 'Transfer-Encoding: chunked', 'Connection: close'),
      '5\r\nhello\r\n0\r\n\r\n',
    ];
    const { text } = await sendRaw(sidecar, parts);
    expect(text).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
    expect(arrived).toHaveLength(1);
  });

  it('no body is asked for where the answer is the sidecar’s own refusal', async () => {
    const { text } = await sendRaw(sidecar, head('/nothing', 'Expect: 100-continue', 'Content-Length: 5'), {
      until: /\}$/,
    });
    expect(text).toMatch(/^HTTP\/1\.1 404 /);
    expect(text).not.toContain('100 Continue');
    expect(text).toMatch(/\r\nConnection: close\r\n/i);
  });

  it.each([['200-ok'], ['something']])('Expect: %s is 417, and the homeserver hears nothing', async (expectation) => {
    const { text, ended } = await sendRaw(sidecar, head('/_matrix/x', `Expect: ${expectation}`, 'Content-Length: 5'));
    expect(text).toMatch(/^HTTP\/1\.1 417 /);
    expect(text).toContain('"errcode":"M_UNKNOWN"');
    expect(text).toMatch(/\r\nAccess-Control-Allow-Origin: \*\r\n/);
    expect(ended).toBe('closed');
    expect(arrived).toEqual([]);
  });

  it('an HTTP/1.0 client gets no 100, which it would not understand', async () => {
    const request = 'PUT /_matrix/x HTTP/1.0\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello';
    const { text } = await sendRaw(sidecar, request);
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(arrived.map((one) => one.body)).toEqual(['hello']);
  });
});

describe('over HTTP/2', () => {
  it('Expect: 100-continue gets its 100, then sends its body, then gets its answer', async () => {
    const sent = openRequest(sidecar, 'HTTP/2', {
      method: 'PUT',
      headers: ['expect', '100-continue', 'content-length', '5'],
      hasBody: true,
    });
    let continued = false;
    sent.outgoing.once('continue', () => {
      continued = true;
    });
    await until('the 100', () => continued);
    expect(arrived).toEqual([]);
    sent.outgoing.end('hello');
    expect((await sent.head).status).toBe(200);
    expect(arrived.map((one) => one.body)).toEqual(['hello']);
    expect(arrived[0]!.head).not.toMatch(/expect/i);
    sent.close();
  });
});
