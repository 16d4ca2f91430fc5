import type { ServerResponse } from 'node:http';
import { expect, it, type TestContext } from 'vitest';
import { ask } from '../../harness/client.ts';
import { startTestSidecar } from '../../harness/sidecar.ts';
import { until } from '../../harness/until.ts';
import { startHttpUpstream } from '../../harness/upstream.ts';

const UPGRADE = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' };

/** A homeserver that ignores such offers, as Synapse does, and answers when it is told. */
async function setUp({ onTestFinished }: TestContext) {
  const held: ServerResponse[] = [];
  const upstream = await startHttpUpstream((_request, response) => void held.push(response));
  const sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "${upstream.url}" }]
routes: { blocked_servers: spam.test }
limits: { requests_per_client: 10, requests_per_origin: 1 }`);
  onTestFinished(async () => {
    await sidecar.close();
    await upstream.close();
  });
  const offer = (path: string, headers: Record<string, string> = {}) => {
    const answer = ask(sidecar, path, { headers: { host: 'a.test', ...UPGRADE, ...headers } });
    // One that is forwarded against the rules is cut with the test.
    answer.catch(() => {});
    return answer;
  };
  return { sidecar, held, offer };
}

it('a blocked server stays blocked', async (context) => {
  const { held, offer } = await setUp(context);
  const authorization = 'X-Matrix origin="spam.test",destination="a.test",key="ed25519:1",sig="x"';
  const { status } = await Promise.race([
    offer('/_matrix/federation/v1/event/x', { authorization }),
    until('the homeserver has it', () => held.length > 0).then(() => ({ status: 'forwarded' })),
  ]);
  expect([status, held.length]).toEqual([403, 0]);
});

it('a client with too much under way is told so, and has its place again when it has left', async (context) => {
  const { sidecar, held, offer } = await setUp(context);
  const waiting = Array.from({ length: 10 }, () => offer('/_matrix/client/v3/sync'));
  await until('the homeserver has its share', () => held.length === 10);
  const refused = await Promise.race([
    offer('/_matrix/client/v3/sync'),
    until('the homeserver has one more', () => held.length > 10).then(() => undefined),
  ]);
  expect(refused?.status).toBe(429);
  expect(refused?.json()).toMatchObject({ errcode: 'M_LIMIT_EXCEEDED' });
  for (const response of held.splice(0)) response.end('{}');
  await Promise.all(waiting);
  const next = ask(sidecar, '/_matrix/client/v3/sync', { headers: { host: 'a.test' } });
  await until('there is room again', () => held.length === 1);
  held[0]!.end('{}');
  expect((await next).status).toBe(200);
});
