import { request } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BindAddress, formatHostPort } from '../../src/base/address.ts';
import { ask, askHttp2 } from '../harness/client.ts';
import { LOOPBACK } from '../harness/loopback.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';

let upstream: TestUpstream;
let sidecar: TestSidecar;
let onlyFederation: TestSidecar;

beforeAll(async () => {
  upstream = await startHttpUpstream((request, response) => {
    response.end(JSON.stringify({ from: request.headers['x-forwarded-for'], url: request.url }));
  });
  const servers = `servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]`;
  const places = JSON.stringify(LOOPBACK.map((host) => formatHostPort(host, 0)));
  sidecar = await startTestSidecar(
    `listen: { https: ${places}, federation: ${places}, http: ${places}, admin: ${places} }\n${servers}`,
  );
  onlyFederation = await startTestSidecar(`listen: { https: off, federation: 0, http: off, admin: off }\n${servers}`);
});
afterAll(async () => {
  await sidecar?.close();
  await onlyFederation?.close();
  await upstream?.close();
});

function askAt(at: BindAddress, path: string) {
  return ask(sidecar, path, { host: at.host, port: at.port, headers: { host: 'a.test' } });
}

function statusInClear(at: BindAddress, path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: at.host, port: at.port, path, agent: false, headers: { host: 'a.test' } },
      (response) => {
        response.resume();
        resolve(response.statusCode);
      },
    );
    sent.on('error', reject).end();
  });
}

describe('several addresses', () => {
  it('all serve, over IPv4 and IPv6, each on its own port', async () => {
    const { https, federation, http, admin } = sidecar.sidecar.addresses();
    const all = [https, federation, http, admin];
    expect(all.map((list) => list.map((one) => one.host))).toEqual(Array(4).fill(LOOPBACK));
    expect(new Set(all.flat().map((one) => one.text)).size).toBe(4 * LOOPBACK.length);
    for (const at of [...https, ...federation]) {
      const answer = await askAt(at, '/_matrix/key/v2/server');
      // Both ends of the connection are the same address here: the client's is what the homeserver is told.
      expect([answer.status, answer.json()]).toEqual([200, { from: at.host, url: '/_matrix/key/v2/server' }]);
    }
    for (const at of http) expect(await statusInClear(at, '/x')).toBe(301);
    for (const at of admin) expect(await statusInClear(at, '/healthz')).toBe(200);
  });

  it('are what the status says, with the ports in force', () => {
    const texts = sidecar.sidecar.addresses().https.map((one) => one.text);
    expect(sidecar.sidecar.status().listeners['https']).toEqual(texts);
    expect(texts.join()).toMatch(/^127\.0\.0\.1:[1-9]\d*(,\[::1\]:[1-9]\d*)?$/);
  });
});

describe('a port alone', () => {
  it('listens on IPv4 and IPv6 at once, and IPv4 clients have IPv4 addresses', async () => {
    const [at] = onlyFederation.sidecar.addresses().federation;
    expect(at?.host).toBe('::');
    for (const host of LOOPBACK) {
      const answer = await ask(onlyFederation, '/_matrix/key/v2/server', { on: 'federation', host });
      expect(answer.json()['from']).toBe(host);
    }
  });
});

describe('off', () => {
  it('opens nothing', () => {
    const { https, http, admin, federation } = onlyFederation.sidecar.addresses();
    expect([https, http, admin, federation.length]).toEqual([[], [], [], 1]);
  });
});

interface Handshake {
  readonly protocol: string | false | null;
  readonly error: string | undefined;
}

function handshake(port: number, ALPNProtocols: string[] | undefined): Promise<Handshake> {
  return new Promise((resolve) => {
    const socket: TLSSocket = connectTls(
      { host: '127.0.0.1', port, servername: 'localhost', ca: sidecar.ca, ...(ALPNProtocols && { ALPNProtocols }) },
      () => {
        resolve({ protocol: socket.alpnProtocol, error: undefined });
        socket.destroy();
      },
    );
    socket.once('error', (error: Error & { code?: string }) => resolve({ protocol: null, error: error.code }));
  });
}

describe.each(['https', 'federation'] as const)('ALPN on the %s port', (listener) => {
  const port = (): number => sidecar[listener];

  it.each([
    [['h2', 'http/1.1'], 'h2'],
    [['http/1.1', 'h2'], 'h2'],
    [['http/1.1'], 'http/1.1'],
    [['spdy/3', 'http/1.1'], 'http/1.1'],
    [undefined, false],
  ])('from %s chooses %s', async (offered, chosen) => {
    expect(await handshake(port(), offered)).toEqual({ protocol: chosen, error: undefined });
  });

  it.each([[['h3']], [['acme-tls/1']], [['http/1.0', 'H2']]])('refuses %s with an alert', async (offered) => {
    expect(await handshake(port(), offered)).toEqual({
      protocol: null,
      error: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
    });
  });

  it('speaks both versions to the end', async () => {
    const socket = connectTls({
      host: '127.0.0.1',
      port: port(),
      servername: 'localhost',
      ca: sidecar.ca,
      ALPNProtocols: ['h2'],
    });
    const session = connectHttp2('https://a.test', { createConnection: () => socket });
    const h2 = await askHttp2(session, { ':path': '/_matrix/key/v2/server', ':authority': 'a.test' });
    session.close();
    const h1 = await ask(sidecar, '/_matrix/key/v2/server', { port: port(), headers: { host: 'a.test' } });
    expect([h2.status, h2.body.toString()]).toEqual([200, h1.body.toString()]);
    expect(h1.status).toBe(200);
  });
});

it('closes its ports when it is closed', async () => {
  const short = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]`);
  const ports = [short.https, short.federation, short.http, short.admin];
  expect(ports.every((port) => port > 0)).toBe(true);
  await short.close();
  const refused = await Promise.all(
    ports.map(
      (port) =>
        new Promise((resolve) => {
          const socket = connectTcp(port, '127.0.0.1', () => {
            socket.destroy();
            resolve('open');
          });
          socket.once('error', (error: Error & { code?: string }) => resolve(error.code));
        }),
    ),
  );
  expect(refused).toEqual(['ECONNREFUSED', 'ECONNREFUSED', 'ECONNREFUSED', 'ECONNREFUSED']);
});
