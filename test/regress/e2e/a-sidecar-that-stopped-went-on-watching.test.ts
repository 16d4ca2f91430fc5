import type { ServerResponse } from 'node:http';
import { connect } from 'node:tls';
import { expect, it } from 'vitest';
import { createLeapingSystem } from '../../harness/leaping-system.ts';
import { startTestSidecar } from '../../harness/sidecar.ts';
import { pause, until } from '../../harness/until.ts';
import { startHttpUpstream } from '../../harness/upstream.ts';

it('a sidecar that finishes what is under way looks at nothing more: from outside, its closed ports are no trouble', async () => {
  const asked: string[] = [];
  let slow: ServerResponse | undefined;
  const upstream = await startHttpUpstream((request, response) => {
    asked.push(request.url ?? '');
    if (request.url === '/_matrix/client/v3/slow') slow = response;
    else response.end('{}');
  });
  const system = createLeapingSystem(20_000);
  const yaml = `servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]\nlimits: { drain: 1h }`;
  const sidecar = await startTestSidecar(yaml, { system });
  const looks = (): number => asked.filter((path) => path === '/health').length;
  const client = connect({ host: '127.0.0.1', port: sidecar.https, servername: 'localhost', ca: sidecar.ca });
  try {
    system.leap(31_000);
    await until('looked at', () => looks() === 1);
    client.write('GET /_matrix/client/v3/slow HTTP/1.1\r\nHost: a.test\r\n\r\n');
    await until('under way', () => slow !== undefined);
    const drained = sidecar.sidecar.drain();
    system.leap(31_000);
    await pause(200);
    expect(looks()).toBe(1);
    slow!.end('{}');
    await drained;
  } finally {
    client.destroy();
    await sidecar.close();
    await upstream.close();
  }
});
