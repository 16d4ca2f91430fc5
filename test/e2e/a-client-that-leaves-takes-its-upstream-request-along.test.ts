import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openHttp2 } from '../harness/client.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { openRequest, type StreamRequest, VERSIONS } from '../harness/stream-client.ts';
import { until } from '../harness/until.ts';
import { startHttpUpstream, type TestUpstream } from '../harness/upstream.ts';

interface Seen {
  readonly path: string;
  bytes: number;
  ended: boolean;
  /** The connection to the homeserver is closed: it gives up its work. */
  closed: boolean;
}

let upstream: TestUpstream;
let sidecar: TestSidecar;
let seen: Seen[] = [];
let onRequest: (request: IncomingMessage, response: ServerResponse) => void;
let sent: StreamRequest | undefined;

beforeAll(async () => {
  upstream = await startHttpUpstream((request, response) => {
    const one: Seen = { path: request.url ?? '', bytes: 0, ended: false, closed: false };
    seen.push(one);
    request.on('error', () => {});
    request.on('data', (chunk: Buffer) => {
      one.bytes += chunk.length;
    });
    request.once('end', () => {
      one.ended = true;
    });
    request.socket.once('close', () => {
      one.closed = true;
    });
    onRequest(request, response);
  });
  sidecar = await startTestSidecar(
    `servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]\nlog: { requests: all }`,
  );
});
beforeEach(() => {
  seen = [];
  onRequest = () => {};
});
afterEach(() => sent?.close());
afterAll(async () => {
  await sidecar?.close();
  await upstream?.close();
});

/** At once: not after a poll, a timeout or the next write. Generous for a loaded machine. */
const AT_ONCE = 2_000;

describe.each(VERSIONS)('over %s', (version) => {
  it('before there is an answer', async () => {
    sent = openRequest(sidecar, version, { path: '/_matrix/client/v3/sync?timeout=30000' });
    await until('the long poll at the homeserver', () => seen.length === 1);
    sent.leave();
    await until('its end', () => seen[0]!.closed, AT_ONCE);
    expect(seen).toHaveLength(1);
  });

  it('before there is an answer, with its small body sent', async () => {
    const headers = ['Content-Length', '2'];
    sent = openRequest(sidecar, version, { method: 'PUT', path: '/_matrix/x', headers, hasBody: true });
    sent.outgoing.end('{}');
    await until('the request at the homeserver', () => seen[0]?.ended === true);
    sent.leave();
    await until('its end', () => seen[0]!.closed, AT_ONCE);
    expect(seen).toHaveLength(1);
  });

  it('before there is an answer, with its large body sent', async () => {
    sent = openRequest(sidecar, version, { method: 'PUT', path: '/_matrix/x', hasBody: true });
    sent.outgoing.end(Buffer.alloc(200_000));
    await until('the request at the homeserver', () => seen[0]?.ended === true);
    sent.leave();
    await until('its end', () => seen[0]!.closed, AT_ONCE);
  });

  it('in the middle of the answer', async () => {
    onRequest = (_request, response) => response.write('beginning');
    sent = openRequest(sidecar, version);
    const incoming = await sent.incoming;
    incoming.once('data', () => sent!.leave());
    await until('the end of the request at the homeserver', () => seen[0]?.closed === true, AT_ONCE);
  });

  it('in the middle of the answer, having stopped reading', async () => {
    onRequest = (_request, response) => response.write(Buffer.alloc(20_000_000));
    sent = openRequest(sidecar, version);
    (await sent.incoming).pause();
    sent.leave();
    await until('the end of the request at the homeserver', () => seen[0]?.closed === true, AT_ONCE);
  });

  it('in the middle of an upload', async () => {
    sent = openRequest(sidecar, version, { method: 'POST', path: '/_matrix/media/v3/upload', hasBody: true });
    sent.outgoing.write(Buffer.alloc(100_000));
    await until('the beginning at the homeserver', () => seen[0]?.bytes === 100_000);
    sent.leave();
    await until('its end', () => seen[0]!.closed, AT_ONCE);
    // A body cut short must never look like a whole one.
    expect(seen[0]!.ended).toBe(false);
  });

  it('in the middle of an upload of known length', async () => {
    const headers = ['Content-Length', '200000'];
    sent = openRequest(sidecar, version, { method: 'POST', path: '/_matrix/media/v3/upload', headers, hasBody: true });
    sent.outgoing.write(Buffer.alloc(100_000));
    await until('the beginning at the homeserver', () => seen[0]?.bytes === 100_000);
    sent.leave();
    await until('its end', () => seen[0]!.closed, AT_ONCE);
    expect(seen[0]!.ended).toBe(false);
  });

  it('in the middle of a small body, which the homeserver then never hears of', async () => {
    const headers = ['Content-Length', '20'];
    sent = openRequest(sidecar, version, { method: 'PUT', path: '/_matrix/half', headers, hasBody: true });
    sent.outgoing.write('half of it');
    await until('the request to be under way', () => sidecar.sidecar.status().requests_in_flight === 1);
    sent.leave();
    await until('its end', () => sidecar.sidecar.status().requests_in_flight === 0, AT_ONCE);
    expect(seen).toEqual([]);
  });

  it('and nobody is blamed for it but the client', async () => {
    const before = sidecar.logged.length;
    sent = openRequest(sidecar, version, { method: 'POST', path: '/_matrix/media/v3/upload', hasBody: true });
    sent.outgoing.write(Buffer.alloc(100_000));
    await until('the beginning at the homeserver', () => seen[0]?.bytes === 100_000);
    sent.leave();
    await until('the line of the request', () => sidecar.logged.length > before);
    await until('nothing under way', () => sidecar.sidecar.status().requests_in_flight === 0);
    const lines = sidecar.logged.slice(before);
    expect(lines.filter((line) => line.level === 'warn' || line.level === 'error')).toEqual([]);
    for (const { fields } of lines) expect(['client', undefined]).toContain(fields['blame']);
  });
});

it('a stream that is reset over HTTP/2 takes its own request only', async () => {
  const session = openHttp2(sidecar);
  const streams = ['/_matrix/one', '/_matrix/two'].map((path) =>
    session.request({ ':path': path, ':authority': 'a.test' }).on('error', () => {}),
  );
  await until('both at the homeserver', () => seen.length === 2);
  streams[0]!.close(8);
  const [one, two] = seen.toSorted((left, right) => left.path.localeCompare(right.path));
  await until('the end of the first', () => one!.closed, AT_ONCE);
  expect(two!.closed).toBe(false);
  session.destroy();
  await until('the end of the second', () => two!.closed, AT_ONCE);
});

it('requests that wait in a pipeline end too, and are no longer counted', async () => {
  const socket = connect({ host: '127.0.0.1', port: sidecar.https, servername: 'localhost', ca: sidecar.ca });
  socket.on('error', () => {});
  const put = 'PUT /_matrix/put HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\n{}';
  const get = 'GET /_matrix/get HTTP/1.1\r\nHost: a.test\r\n\r\n';
  socket.write(get + put + get + put);
  await until('the first at the homeserver', () => seen.length >= 1);
  socket.destroy();
  await until('nothing under way', () => sidecar.sidecar.status().requests_in_flight === 0, AT_ONCE);
  await until('the end of all of them', () => seen.every((one) => one.closed), AT_ONCE);
});

it('a client that leaves while the homeserver’s connections are refused or slow costs nothing later', async () => {
  for (let index = 0; index < 20; index++) {
    const request = openRequest(sidecar, index % 2 === 0 ? 'HTTP/1.1' : 'HTTP/2');
    setTimeout(() => request.leave(), index);
  }
  await until('nothing under way', () => sidecar.sidecar.status().requests_in_flight === 0);
  await until('no connection left in use', () => seen.every((one) => one.closed));
});
