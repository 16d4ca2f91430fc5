import { request } from 'node:http';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { sendRaw } from '../harness/client.ts';
import { startTestSidecar } from '../harness/sidecar.ts';
import { type Edge, expectRefusal, startEdge } from '../harness/strangers.ts';

let edge: Edge;
beforeAll(async () => {
  edge = await startEdge();
});
afterAll(() => edge?.close());
beforeEach(() => edge.upstream.reset());
afterEach(() => edge.expectAlive());

interface Read {
  readonly status: number;
  readonly type: string | undefined;
  readonly body: string;
}

/** As an ordinary HTTP client would ask, and read. */
function askPlain(port: number, method: string, body?: string): Promise<Read> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port, method, path: '/_matrix/client/versions', agent: false },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, type: response.headers['content-type'], body: text }),
        );
        response.on('error', reject);
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

it.each(['https', 'federation'] as const)(
  'on the %s listener: 400 with a body that an HTTP client can read',
  async (on) => {
    for (const [method, body] of [['GET'], ['POST', '{"a":1}'], ['PUT', 'x'.repeat(2_000)]] as const) {
      for (let round = 0; round < 10; round++) {
        const { status, type, body: said } = await askPlain(edge.sidecar[on], method, body);
        expect(status).toBe(400);
        expect(type).toBe('application/json');
        const error = JSON.parse(said) as { errcode: string; error: string };
        expect(error.errcode).toMatch(/^M_/);
        expect(error.error).toContain('https');
      }
    }
    expect(edge.upstream.everything()).toBe('');
  },
);

it('and the connection is closed behind it, whatever else is sent', async () => {
  const outcome = await sendRaw(edge.sidecar, 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\nGET / HTTP/1.1\r\n', {
    plain: true,
  });
  expectRefusal(outcome, [400]);
  expect(outcome.ms).toBeLessThan(2_000);
});

it('also when the request comes in pieces, and when the client keeps its side open', async () => {
  const outcome = await sendRaw(edge.sidecar, ['GE', 'T / HT', 'TP/1.1\r\nHo', 'st: a.test\r\n\r\n'], { plain: true });
  expectRefusal(outcome, [400]);
  const socket = connect({ host: '127.0.0.1', port: edge.sidecar.https, allowHalfOpen: true });
  let text = '';
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const ended = new Promise((resolve) => socket.once('end', resolve));
  socket.write('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
  await ended;
  expect(text).toMatch(/^HTTP\/1\.1 400 /);
  socket.destroy();
});

it('also behind a PROXY header', async () => {
  const sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${edge.upstream.url}" }]
listen: { https: "127.0.0.1:0", federation: "127.0.0.1:0", http: "127.0.0.1:0", admin: "127.0.0.1:0", proxy_protocol_from: [127.0.0.1] }`);
  try {
    const outcome = await sendRaw(
      sidecar,
      'PROXY TCP4 192.0.2.1 192.0.2.2 1000 443\r\nGET / HTTP/1.1\r\nHost: a.test\r\n\r\n',
      { plain: true },
    );
    expectRefusal(outcome, [400]);
  } finally {
    await sidecar.close();
  }
});
