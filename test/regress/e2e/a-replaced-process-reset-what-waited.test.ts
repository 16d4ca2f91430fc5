import { afterEach, expect, it } from 'vitest';
import { ask } from '../../harness/client.ts';
import { type SeveralProcesses, startSeveral } from '../../harness/several.ts';
import { pause, until } from '../../harness/until.ts';
import { startHttpUpstream, type TestUpstream } from '../../harness/upstream.ts';

let serve: SeveralProcesses | undefined;
let upstream: TestUpstream | undefined;
afterEach(async () => {
  await serve?.close();
  await upstream?.close();
  serve = upstream = undefined;
});

/** Nobody listens there. */
const NOWHERE = 'http://127.0.0.1:9';
const yaml = (homeserver: string, limits: string): string =>
  `servers: [{ server_name: a.test, homeserver: "${homeserver}" }]\nprocesses: 2\nlimits: ${limits}\n`;

async function startWaiting(sidecar: SeveralProcesses, count: number): Promise<Promise<number>[]> {
  const asked = Array.from({ length: count }, () =>
    ask(sidecar, '/_matrix/federation/v1/event/x', { headers: { host: 'a.test' } }).then(
      ({ status }) => status,
      () => 0,
    ),
  );
  await until('all wait', async () => (await sidecar.status()).requests_in_flight >= count);
  return asked;
}

it('what waits in a process that is replaced follows the homeserver', async () => {
  upstream = await startHttpUpstream((_request, response) => response.end('{}'));
  serve = await startSeveral(yaml(NOWHERE, '{ hold: 30s, drain: 1s }'));
  const asked = await startWaiting(serve, 6);
  await serve.write(yaml(upstream.url, '{ hold: 30s, drain: 1s }'));
  await serve.hangUp();
  expect(await Promise.all(asked)).toEqual(Array(6).fill(200));
});

it('what waits in a process that is replaced waits on, longer than a drain', async () => {
  serve = await startSeveral(yaml(NOWHERE, '{ hold: 40s, drain: 0s }'));
  const asked = await startWaiting(serve, 4);
  await serve.hangUp();
  let ended = 0;
  for (const one of asked) void one.then(() => ended++);
  await pause(1_000);
  expect(ended).toBe(0);
});

it('what still waits when a drain is over is told so', async () => {
  serve = await startSeveral(yaml(NOWHERE, '{ hold: 30s, drain: 1s }'));
  const asked = await startWaiting(serve, 4);
  serve.child.kill('SIGTERM');
  expect(await Promise.all(asked)).toEqual(Array(4).fill(502));
});
