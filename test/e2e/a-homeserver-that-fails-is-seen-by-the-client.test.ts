import type { Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sendRaw } from '../harness/client.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { exchangeWhole, openRequest, type StreamRequest, VERSIONS } from '../harness/stream-client.ts';
import { until } from '../harness/until.ts';
import { readRequests, startRawUpstream, type TestUpstream } from '../harness/upstream.ts';

let upstream: TestUpstream;
let sidecar: TestSidecar;
let asked = 0;
let onRequest: (socket: Socket) => void;
let sent: StreamRequest | undefined;

beforeAll(async () => {
  upstream = await startRawUpstream((socket) => {
    readRequests(socket, () => {
      asked++;
      onRequest(socket);
    });
  });
  sidecar = await startTestSidecar(
    `servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]\nlimits: { hold: 0s }`,
  );
});
beforeEach(() => {
  asked = 0;
});
afterEach(() => sent?.close());
afterAll(async () => {
  await sidecar?.close();
  await upstream?.close();
});

const say = (text: string) => (socket: Socket) => void socket.write(Buffer.from(text, 'latin1'));
const HEAD = 'HTTP/1.1 200 OK\r\n';

describe.each(VERSIONS)('over %s', (version) => {
  async function expectGatewayError(on: TestSidecar, status: number): Promise<void> {
    const answer = await exchangeWhole(on, version);
    expect(answer.status).toBe(status);
    expect(answer.json()).toEqual({ errcode: 'M_UNKNOWN', error: expect.stringContaining('homeserver') });
    expect(answer.all('content-type')).toEqual(['application/json']);
    expect(answer.all('access-control-allow-origin')).toEqual(['*']);
    expect(answer.all('access-control-allow-headers')).toHaveLength(1);
    expect(Number(answer.all('retry-after')[0])).toBeGreaterThan(0);
    expect(answer.complete).toBe(true);
    // Where the homeserver is in the private network is nobody's business.
    expect(answer.body.toString()).not.toMatch(/127\.0\.0\.1|homeserver\.invalid/);
  }

  describe('before it has answered', () => {
    // A connection that dies under a GET is given a second chance, on a fresh one.
    it.each<[string, (socket: Socket) => void]>([
      ['it closes the connection', (socket) => socket.end()],
      ['it resets the connection', (socket) => socket.resetAndDestroy()],
      ['it dies in the middle of the headers', (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-')],
      ['it dies after an interim answer', (socket) => socket.end('HTTP/1.1 103 Early Hints\r\n\r\n')],
    ])('%s, twice: 502', async (_, behave) => {
      onRequest = behave;
      await expectGatewayError(sidecar, 502);
      expect(asked).toBe(2);
    });

    it.each<[string, (socket: Socket) => void]>([
      ['it speaks something else', say('SSH-2.0-OpenSSH_9.2p1\r\n\r\n')],
      ['it speaks HTTP/0.9', say('<html>hello</html>\n')],
      ['it speaks HTTP/2', say('\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x80')],
      ['its status is no number', say('HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n')],
      ['its status is out of range', say('HTTP/1.1 99 What\r\nContent-Length: 0\r\n\r\n')],
      ['it gives two lengths', say(`${HEAD}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`)],
      [
        'it gives a length and chunks',
        say(`${HEAD}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`),
      ],
      ['a field has no colon', say(`${HEAD}Nonsense\r\nContent-Length: 2\r\n\r\n{}`)],
      ['a field has a NUL', say(`${HEAD}X: a\0b\r\nContent-Length: 2\r\n\r\n{}`)],
      [
        'its headers are endless',
        (socket) => {
          socket.write(HEAD);
          for (let index = 0; index < 100; index++) socket.write(`X-${index}: ${'x'.repeat(1000)}\r\n`);
        },
      ],
    ])('%s: 502', async (_, behave) => {
      onRequest = behave;
      await expectGatewayError(sidecar, 502);
      expect(asked).toBe(1);
    });

    it('it refuses connections: 502', async () => {
      const gone = await startRawUpstream(() => {});
      await gone.close();
      const on = await startTestSidecar(
        `servers: [{ server_name: a.test, homeserver: "${gone.url}" }]\nlimits: { hold: 0s }`,
      );
      await expectGatewayError(on, 502);
      await on.close();
    });

    it('its name does not resolve: 502', async () => {
      const on = await startTestSidecar(
        'servers: [{ server_name: a.test, homeserver: "http://homeserver.invalid:8008" }]\nlimits: { hold: 0s }',
      );
      await expectGatewayError(on, 502);
      await on.close();
    });

    it('its unix socket is not there: 502', async () => {
      const on = await startTestSidecar(
        'servers: [{ server_name: a.test, homeserver: "unix:/nonexistent/main.sock" }]\nlimits: { hold: 0s }',
      );
      await expectGatewayError(on, 502);
      await on.close();
    });

    it('the operator reads in the log what the client does not: where, and why', async () => {
      const on = await startTestSidecar(
        'servers: [{ server_name: a.test, homeserver: "http://homeserver.invalid:8008" }]\nlimits: { hold: 0s }',
      );
      await exchangeWhole(on, version);
      const lines = () => on.logged.filter(({ fields }) => 'request_id' in fields);
      // The client may have its answer before.
      await until('it is logged', () => lines().length > 0);
      expect(lines()).toEqual([
        {
          level: 'warn',
          sentence: 'request',
          fields: expect.objectContaining({
            request_id: expect.any(String),
            error: 'upstream-unreachable',
            why: expect.stringMatching(/homeserver\.invalid:8008 cannot be reached/),
          }),
        },
      ]);
      await on.close();
    });

    it('the next request finds it well again', async () => {
      onRequest = (socket) => void socket.resetAndDestroy();
      await expectGatewayError(sidecar, 502);
      onRequest = say(`${HEAD}Content-Length: 2\r\n\r\n{}`);
      expect((await exchangeWhole(sidecar, version)).status).toBe(200);
    });
  });

  describe('in the middle of the answer', () => {
    it.each<[string, (socket: Socket) => void]>([
      ['of known length, closed', (socket) => socket.end(`${HEAD}Content-Length: 100\r\n\r\nbeginning`)],
      ['in chunks, closed', (socket) => socket.end(`${HEAD}Transfer-Encoding: chunked\r\n\r\n9\r\nbeginning\r\n`)],
      [
        'in chunks, closed within one',
        (socket) => socket.end(`${HEAD}Transfer-Encoding: chunked\r\n\r\n99\r\nbeginning`),
      ],
      ['in chunks, then garbage', say(`${HEAD}Transfer-Encoding: chunked\r\n\r\n9\r\nbeginning\r\nzz\r\n`)],
      [
        'of known length, reset',
        (socket) => {
          socket.write(`${HEAD}Content-Length: 100\r\n\r\nbeginning`, () =>
            setTimeout(() => socket.resetAndDestroy(), 50),
          );
        },
      ],
      [
        'in chunks, reset',
        (socket) => {
          socket.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n9\r\nbeginning\r\n`, () =>
            setTimeout(() => socket.resetAndDestroy(), 50),
          );
        },
      ],
    ])('%s: what came of it is not given as if it were all', async (_, behave) => {
      onRequest = behave;
      sent = openRequest(sidecar, version);
      const began = performance.now();
      expect((await sent.head).status).toBe(200);
      const { body, complete, code } = await sent.end();
      expect(complete).toBe(false);
      expect('beginning'.startsWith(body.toString())).toBe(true);
      if (version === 'HTTP/2') expect(code).not.toBe(0);
      expect(performance.now() - began).toBeLessThan(3_000);
      expect(asked).toBe(1);
    });
  });
});

describe('over HTTP/1.1', () => {
  it('the connection ends without the chunk that would end the answer', async () => {
    onRequest = (socket) => void socket.end(`${HEAD}Transfer-Encoding: chunked\r\n\r\n9\r\nbeginning\r\n`);
    const { text, ended } = await sendRaw(sidecar, 'GET /_matrix/x HTTP/1.1\r\nHost: a.test\r\n\r\n');
    expect(ended).toBe('closed');
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(text).not.toContain('\r\n0\r\n\r\n');
  });
});

it('more than the declared length is not passed on', async () => {
  onRequest = say(`${HEAD}Content-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\nX-Smuggled: 1\r\nContent-Length: 2\r\n\r\n[]`);
  const both = 'GET /_matrix/x HTTP/1.1\r\nHost: a.test\r\n\r\n';
  const { text } = await sendRaw(sidecar, both, { until: /\{\}/ });
  expect(text).not.toContain('Smuggled');
  // And nobody gets it as the answer to the next request.
  onRequest = say(`${HEAD}Content-Length: 2\r\n\r\n()`);
  for (let index = 0; index < 3; index++) {
    const answer = await exchangeWhole(sidecar, 'HTTP/1.1');
    expect(answer.body.toString()).toBe('()');
  }
});

it('an answer that ends with the connection, as HTTP/1.0 has it, is whole', async () => {
  for (const version of VERSIONS) {
    onRequest = (socket) => void socket.end('HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nall of it');
    const { body, complete } = await exchangeWhole(sidecar, version);
    expect([body.toString(), complete]).toEqual(['all of it', true]);
  }
});
