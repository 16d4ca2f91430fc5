import { expect, it } from 'vitest';
import { WORKER_POOLS } from '../../src/matrix/worker-pools.ts';
import { WORKER_ROUTES } from '../../src/matrix/worker-routes.ts';
import { ask, sendRaw } from '../harness/client.ts';
import { createFastSystem } from '../harness/fast-system.ts';
import { until } from '../harness/until.ts';
import { startWorkers } from '../harness/workers.ts';
import { createPlainMatcher, samplePaths } from '../matrix/worker-route-samples.ts';

const STREAMS = [
  ...['typing', 'to_device', 'account_data', 'receipts', 'presence', 'push_rules', 'device_lists'],
  ...['thread_subscriptions', 'quarantined_media_changes'],
];
/** Each pool has one worker, of its name. */
const EACH = Object.fromEntries([...WORKER_POOLS, ...STREAMS].map((pool) => [pool, [pool]]));

const ROOM = '!r%3Aa.test';

/** Written by hand, and not from the table. */
const ROUTES: readonly (readonly [string, string, string])[] = [
  ['GET', '/_matrix/client/v3/sync?since=s1', 'sync'],
  ['GET', '/_matrix/client/v3/sync', 'initial_sync'],
  ['GET', '/_matrix/client/v3/sync?since=s1&full_state=true', 'initial_sync'],
  ['POST', '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync', 'sliding_sync'],
  ['PUT', '/_matrix/federation/v1/send/1', 'federation_inbound'],
  ['GET', '/_matrix/federation/v1/state_ids/!r:a.test?event_id=$e', 'federation_reader'],
  ['POST', '/_matrix/key/v2/query', 'federation_reader'],
  ['GET', '/_matrix/key/v2/server', 'main'],
  ['GET', '/_matrix/media/v3/download/a.test/abc', 'media'],
  ['GET', '/_matrix/client/v1/media/download/a.test/abc', 'media'],
  ['GET', '/_matrix/federation/v1/media/download/abc', 'media'],
  ['PUT', `/_matrix/client/v3/rooms/${ROOM}/send/m.room.message/1`, 'event_creator'],
  ['POST', '/_matrix/client/v3/createRoom', 'event_creator'],
  ['GET', `/_matrix/client/v3/rooms/${ROOM}/messages?dir=b`, 'pagination'],
  ['PUT', `/_matrix/client/v3/rooms/${ROOM}/typing/@u:a.test`, 'typing'],
  ['PUT', '/_matrix/client/v3/sendToDevice/m.room.encrypted/1', 'to_device'],
  ['PUT', '/_matrix/client/v3/user/@u:a.test/account_data/m.direct', 'account_data'],
  ['POST', `/_matrix/client/v3/rooms/${ROOM}/receipt/m.read/$e`, 'receipts'],
  ['PUT', '/_matrix/client/v3/presence/@u:a.test/status', 'presence'],
  ['GET', '/_matrix/client/v3/pushrules/', 'push_rules'],
  ['POST', '/_matrix/client/v3/keys/upload', 'device_lists'],
  ['POST', '/_matrix/client/v3/user_directory/search', 'user_directory'],
  ['GET', '/_matrix/client/v3/login/sso/redirect/oidc', 'sso'],
  ['POST', '/_matrix/client/v3/login', 'client_reader'],
  ['GET', `/_matrix/client/v3/rooms/${ROOM}/members`, 'client_reader'],
  ['POST', `/_synapse/admin/v1/media/quarantine/a.test/abc`, 'quarantined_media_changes'],
  ['GET', '/_synapse/admin/v2/users/@u:a.test', 'client_reader'],
  ['PUT', '/_synapse/admin/v2/users/@u:a.test', 'main'],
  ['POST', `/_matrix/client/v3/rooms/${ROOM}/upgrade`, 'main'],
  ['GET', '/_matrix/client/v3/nothing/of/the/kind', 'main'],
];

it('every kind of request arrives at its pool', async (context) => {
  const { whoAnswers } = await startWorkers(context, EACH);
  const found: string[] = [];
  for (const [method, path] of ROUTES) found.push(`${method} ${path} ${await whoAnswers(path, { method })}`);
  expect(found).toEqual(ROUTES.map((row) => row.join(' ')));
});

it('every pattern that Synapse documents arrives at its pool', async (context) => {
  const { whoAnswers } = await startWorkers(context, EACH);
  const match = createPlainMatcher();
  const wrong: string[] = [];
  for (const { pattern } of WORKER_ROUTES) {
    const path = samplePaths(pattern)[0]!;
    const route = match(path)!;
    const expected = route.initial === undefined ? (route.pools[0] ?? 'main') : 'initial_sync';
    const answered = await whoAnswers(path, { method: 'POST' });
    if (answered !== expected) wrong.push(`${path}: ${answered}, not ${expected}`);
  }
  expect(wrong).toEqual([]);
});

it('what has no pool of its own goes to the generic workers, and what they cannot take to the main process', async (context) => {
  const { whoAnswers } = await startWorkers(context, { generic: ['g'] });
  const generic = new Set(WORKER_ROUTES.filter(({ pools }) => pools.includes('generic')).map(({ pattern }) => pattern));
  expect(generic.size).toBeGreaterThan(50);
  for (const [method, path, pool] of ROUTES) {
    const taken = ![
      ...['main', 'media', 'sso', 'typing', 'to_device', 'receipts', 'sliding_sync', 'thread_subscriptions'],
      ...['quarantined_media_changes', 'account_data', 'presence'],
    ].includes(pool);
    expect([path, await whoAnswers(path, { method })]).toEqual([path, taken ? 'g' : 'main']);
  }
});

it('the offer of a WebSocket goes where the request would, and the preflights of browsers to nobody', async (context) => {
  const { sidecar, main, workers } = await startWorkers(context, { sync: ['s'] });
  const offer =
    'GET /_matrix/client/v3/sync HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
  await sendRaw(sidecar, offer, { until: /HTTP\/1.1 \d+/ });
  const { status } = await ask(sidecar, '/_matrix/client/v3/sync', { method: 'OPTIONS', headers: { host: 'a.test' } });
  expect(status).toBe(204);
  expect(workers['s']!.seen).toEqual(['GET /_matrix/client/v3/sync']);
  expect(main.seen).toEqual([]);
});

it('workers are shown in status and metrics, and those that take no requests are asked how they are', async (context) => {
  const pools = { sync: ['s1', 's2'], background: ['b'] };
  const { sidecar, workers, main } = await startWorkers(context, pools, { system: createFastSystem(10) });
  await until('it is asked', () => workers['b']!.asked > 0);
  const status = sidecar.sidecar.status().servers[0]!;
  expect(status.workers.map(({ pool, instances }) => [pool, instances.map(({ place }) => place)])).toEqual([
    ['sync', [workers['s1']!.url, workers['s2']!.url]],
    ['background', [workers['b']!.url]],
  ]);
  await workers['b']!.stop();
  await until('it is missed', () => sidecar.sidecar.status().servers[0]!.workers[1]!.instances[0]!.state === 'ejected');
  const scrape = await (await fetch(`http://127.0.0.1:${sidecar.admin}/metrics`)).text();
  expect(scrape).toContain(
    `matrix_sidecar_upstream_instances{upstream="${workers['s1']!.url}, ${workers['s2']!.url}",state="here"} 2`,
  );
  expect(scrape).toContain(`matrix_sidecar_upstream_instances{upstream="${workers['b']!.url}",state="ejected"} 1`);
  expect([workers['b']!.seen, main.asked]).toEqual([[], 0]);
});
