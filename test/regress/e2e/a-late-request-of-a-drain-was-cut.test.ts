import { connect } from 'node:tls';
import { expect, it } from 'vitest';
import { startTestSidecar } from '../../harness/sidecar.ts';
import { startHttpUpstream } from '../../harness/upstream.ts';

it('a request whose head was on its way when the drain began has the time that limits.drain gives', async () => {
  // Longer than the second in which idle connections say goodbye.
  const upstream = await startHttpUpstream((_request, response) => void setTimeout(() => response.end('slow'), 1_600));
  const sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]`);
  const socket = connect({ host: '127.0.0.1', port: sidecar.https, servername: 'localhost', ca: sidecar.ca });
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await new Promise((resolve) => socket.once('secureConnect', resolve));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write('GET /_matrix/client/versions HTTP/1.1\r\nHost:');
  await new Promise((resolve) => setTimeout(resolve, 50));
  const drained = sidecar.sidecar.drain();
  socket.write(' a.test\r\n\r\n');
  await closed;
  await drained;
  expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*slow/);
  await sidecar.close();
  await upstream.close();
});
