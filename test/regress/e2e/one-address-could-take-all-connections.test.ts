import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask } from '../../harness/client.ts';
import { startTestSidecar, type TestSidecar } from '../../harness/sidecar.ts';
import { until } from '../../harness/until.ts';
import { startHttpUpstream, type TestUpstream } from '../../harness/upstream.ts';

let upstream: TestUpstream;
let sidecar: TestSidecar;
beforeAll(async () => {
  upstream = await startHttpUpstream((_request, response) => void response.end('{}'));
  sidecar = await startTestSidecar(
    `servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]\nlimits: { connections: 20 }`,
  );
});
afterAll(async () => {
  await sidecar?.close();
  await upstream?.close();
});

const HALF_AN_UPLOAD = 'PUT /_matrix/client/v3/x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\n1';

// `connections_per_client` is far more than there may be in all where file descriptors are few, or `connections` is small.
it('one client that begins as many requests as there may be connections locks nobody out', async () => {
  const strangers = Array.from({ length: 30 }, (): TLSSocket => {
    const { https: port, ca } = sidecar;
    const socket = connect({
      ...{ host: '127.0.0.1', port, localAddress: '127.0.2.1' },
      ca,
      servername: 'localhost',
    });
    socket.on('error', () => {});
    socket.write(HALF_AN_UPLOAD);
    return socket;
  });
  const closed = (): number => strangers.filter((one) => one.destroyed).length;
  await until('the others are turned away', () => closed() >= 10 && sidecar.sidecar.status().requests_in_flight >= 10);
  const { status } = await ask(sidecar, '/_matrix/client/versions', {
    headers: { host: 'a.test' },
    localAddress: '127.0.2.2',
  });
  expect(status).toBe(200);
  for (const one of strangers) one.destroy();
});
