import { connect } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestSidecar, type TestSidecar } from '../../harness/sidecar.ts';
import { startHttpUpstream, type TestUpstream } from '../../harness/upstream.ts';

let upstream: TestUpstream;
let sidecar: TestSidecar;

beforeAll(async () => {
  // Never answers: what waits behind its answer waits for ever.
  upstream = await startHttpUpstream((request) => request.resume());
  sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]`);
});
afterAll(async () => {
  await sidecar?.close();
  await upstream?.close();
});

function open(allowHalfOpen = false) {
  const options = { host: '127.0.0.1', port: sidecar.https, servername: 'localhost', ca: sidecar.ca, allowHalfOpen };
  const socket = connect({ ...options, ALPNProtocols: ['http/1.1'] });
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return { socket, closed };
}

it('memory, by requests without end behind one that was refused', async () => {
  const { socket, closed } = open();
  socket.resume();
  socket.write('GET /_matrix/client/versions HTTP/1.1\r\nHost: a.test\r\n\r\n');
  const many = Buffer.from('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n'.repeat(500));
  const pour = setInterval(() => socket.writable && socket.write(many), 5);
  await closed;
  clearInterval(pour);
  expect(socket.bytesWritten).toBeLessThan(20 * many.length);
});

it('a descriptor, by keeping its half of a refused upgrade open', async () => {
  const { socket, closed } = open(true);
  const ended = new Promise<void>((resolve) => socket.once('end', () => resolve()));
  socket.resume();
  socket.write(
    'GET /nothing HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: eA==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  );
  await ended;
  // Only a cut from the other side makes writing fail; without one this goes on until the test's own time is over.
  const knock = setInterval(() => socket.write('x'), 50);
  await closed;
  clearInterval(knock);
  expect(socket.destroyed).toBe(true);
});
