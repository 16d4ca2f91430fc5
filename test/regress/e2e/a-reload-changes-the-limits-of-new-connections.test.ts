import { connect as connectTcp } from 'node:net';
import { expect, it } from 'vitest';
import { startTestSidecar } from '../../harness/sidecar.ts';
import { until } from '../../harness/until.ts';

it('and leaves those that are open as they are', async () => {
  const yaml = (limits: string): string =>
    `servers: [{ server_name: a.test, homeserver: "http://127.0.0.1:1" }]\nlimits: { ${limits} }`;
  const sidecar = await startTestSidecar(yaml('request_headers: 5m'));
  const begin = () => {
    const state = { text: '', closed: false, socket: connectTcp(sidecar.http, '127.0.0.1') };
    state.socket.on('data', (chunk: Buffer) => {
      state.text += chunk.toString();
    });
    state.socket.once('close', () => {
      state.closed = true;
    });
    state.socket.write('GET / HTTP/1.1\r\nHo');
    return state;
  };
  const before = begin();
  await until('the first connection accepted', () => before.socket.bytesWritten > 0 && !before.socket.connecting);
  // A request on another connection, so that the first is certainly past accept.
  const probe = connectTcp(sidecar.http, '127.0.0.1');
  probe.end('GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n');
  await new Promise((resolve) => probe.once('data', resolve));

  // Several times: each makes servers for new connections, and those without connections go.
  for (const limits of ['keep_alive: 1m', 'stalled: 30s', 'request_headers: 1s']) await sidecar.reload(yaml(limits));
  const after = begin();
  await until('the new connection is told that its time is over', () => after.closed);
  expect(after.text).toMatch(/^HTTP\/1\.1 408 /);
  expect([before.closed, before.text]).toEqual([false, '']);
  before.socket.write('st: a.test\r\nConnection: close\r\n\r\n');
  await until('the old connection answered', () => before.closed);
  expect(before.text).toMatch(/^HTTP\/1\.1 301 /);
  await sidecar.close();
});
