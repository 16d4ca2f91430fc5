import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createFastSystem } from '../harness/fast-system.ts';
import { until } from '../harness/until.ts';
import { startWorkers, synapseToken, type WorkersSetting } from '../harness/workers.ts';

const SYNC = '/_matrix/client/v3/sync?since=s1';
const USERS = Array.from({ length: 40 }, (_, index) => `user${index}`);
const MEDIA = '/_matrix/client/v1/media/download/a.test/abc';
const RULE = '/_matrix/client/v3/pushrules/global/content/x';

const spread = async ({ whoAnswers }: WorkersSetting): Promise<readonly string[]> =>
  Promise.all(USERS.map((user) => whoAnswers(SYNC, { token: synapseToken(user) })));

const stateOf = ({ sidecar, workers }: WorkersSetting, name: string): string | undefined =>
  sidecar.sidecar
    .status()
    .servers[0]!.workers.flatMap(({ instances }) => instances)
    .find(({ place }) => place === workers[name]!.url)?.state;

const held = ({ sidecar }: WorkersSetting): number => sidecar.sidecar.status().servers[0]!.requests_held;

it('its users go to the others, nobody else moves, and they come back little by little', async (context) => {
  const setting = await startWorkers(context, { sync: ['s1', 's2', 's3'] }, { system: createFastSystem(5) });
  const before = await spread(setting);
  await setting.workers['s2']!.stop();
  const without = await spread(setting);
  expect(without.filter((name) => !['s1', 's3'].includes(name))).toEqual([]);
  const strays = USERS.filter((_, index) => before[index] !== 's2' && before[index] !== without[index]);
  expect(strays).toEqual([]);
  expect(new Set(without.filter((_, index) => before[index] === 's2'))).toEqual(new Set(['s1', 's3']));
  expect(stateOf(setting, 's2')).toBe('ejected');
  // It is asked for keys and versions by the sidecar itself, now and then.
  expect(setting.main.seen.filter((one) => one.includes('/sync'))).toEqual([]);
  await setting.workers['s2']!.start();
  await until('it is warming', () => stateOf(setting, 's2') === 'warming');
  const first = await spread(setting);
  const [own, soon] = [before, first].map((all) => all.filter((name) => name === 's2').length) as [number, number];
  expect(soon).toBeLessThan(own);
  await until('it is here', () => stateOf(setting, 's2') === 'here');
  expect(await spread(setting)).toEqual(before);
});

it('where the main process can answer, it does, at once, until a worker is back', async (context) => {
  const setting = await startWorkers(context, { sync: ['s1', 's2'], initial_sync: ['i'], client_reader: ['r'] });
  const { workers, whoAnswers } = setting;
  const initial = '/_matrix/client/v3/sync';
  expect(await whoAnswers(initial)).toBe('i');
  await workers['i']!.stop();
  expect(['s1', 's2']).toContain(await whoAnswers(initial));
  await workers['s1']!.stop();
  await workers['s2']!.stop();
  expect([await whoAnswers(initial), await whoAnswers(SYNC)]).toEqual(['main', 'main']);
  await workers['r']!.stop();
  const large = Buffer.alloc(300_000, 'x');
  expect(await whoAnswers('/_matrix/client/v3/keys/query', { method: 'POST', body: large })).toBe('main');
  await workers['r']!.start();
  await until('it is back', () => stateOf(setting, 'r') === 'warming');
  expect(await whoAnswers('/_matrix/client/v3/joined_rooms')).toBe('r');
  const ejected = setting.sidecar.logged.filter(({ fields }) => fields['id'] === 'upstream-instance-ejected');
  expect(ejected.map(({ fields }) => fields['instance']).sort()).toEqual(
    ['i', 's1', 's2', 'r'].map((name) => workers[name]!.url).sort(),
  );
});

describe('where the main process cannot answer', () => {
  it.each([
    ['GET', MEDIA, 'media'],
    ['PUT', '/_matrix/client/v3/rooms/!r:a.test/typing/@u:a.test', 'typing'],
    ['PUT', RULE, 'push_rules'],
  ])('%s %s waits until the worker is back', async (method, path, pool) => {
    const setting = await startWorkers({ onTestFinished }, { [pool]: ['w'] });
    await setting.workers['w']!.stop();
    const waiting = [1, 2, 3].map(() =>
      setting.whoAnswers(path, { method, ...(method === 'PUT' ? { body: '{}' } : {}) }),
    );
    await until('all wait', () => held(setting) === 3);
    expect(await setting.whoAnswers(SYNC)).toBe('main');
    const scrape = await (await fetch(`http://127.0.0.1:${setting.sidecar.admin}/metrics`)).text();
    expect(scrape).toContain(`matrix_sidecar_requests_held{homeserver="${setting.workers['w']!.url}"} 3`);
    await setting.workers['w']!.start();
    expect(await Promise.all(waiting)).toEqual(['w', 'w', 'w']);
    expect(setting.main.seen).toEqual([`GET ${SYNC}`]);
  });

  it('what it can only read, it reads', async (context) => {
    const setting = await startWorkers(context, { push_rules: ['w'] });
    await setting.workers['w']!.stop();
    expect(await setting.whoAnswers(RULE)).toBe('main');
  });
});

it('while the main process is away, workers go on, and what only it can answer waits', async (context) => {
  const setting = await startWorkers(context, { sync: ['s1', 's2'], client_reader: ['r'] });
  await setting.main.stop();
  const waiting = setting.whoAnswers('/_matrix/client/v3/rooms/!r:a.test/upgrade', { method: 'POST', body: '{}' });
  await until('it waits', () => held(setting) === 1);
  expect(await setting.whoAnswers('/_matrix/client/v3/joined_rooms')).toBe('r');
  expect(['s1', 's2']).toContain(await setting.whoAnswers(SYNC, { token: synapseToken('u') }));
  await setting.workers['r']!.stop();
  const both = setting.whoAnswers('/_matrix/client/v3/joined_rooms');
  await until('both wait', () => held(setting) === 2);
  await setting.workers['r']!.start();
  expect(await both).toBe('r');
  await setting.main.start();
  expect(await waiting).toBe('main');
});

it('a reload that gives a pool another worker takes along what waits for the old one', async (context) => {
  const setting = await startWorkers(context, { media: ['old'] }, { more: ['new'] });
  await setting.workers['old']!.stop();
  const waiting = setting.whoAnswers(MEDIA);
  await until('it waits', () => held(setting) === 1);
  await setting.use({ media: ['new'] });
  expect(await waiting).toBe('new');
  await setting.use({});
  expect(await setting.whoAnswers(MEDIA)).toBe('main');
});

it('a reload that changes nothing leaves what waits where it is', async (context) => {
  const setting = await startWorkers(context, { media: ['w'] });
  await setting.workers['w']!.stop();
  const waiting = setting.whoAnswers(MEDIA);
  await until('it waits', () => held(setting) === 1);
  await setting.use({ media: ['w'] });
  await pause(50);
  expect(held(setting)).toBe(1);
  await setting.workers['w']!.start();
  expect(await waiting).toBe('w');
});

it('what the homeserver said last is said while its workers and the main process are away', async (context) => {
  const system = createFastSystem(20);
  const setting = await startWorkers(context, { client_reader: ['r'], federation_reader: ['f'] }, { system });
  setting.main.say = () => '{"versions":["v1.1"]}';
  const asked = (): boolean => setting.main.seen.includes('GET /_matrix/client/versions');
  await until('it is known', asked);
  expect(await setting.whoAnswers('/_matrix/client/versions')).toBe('r');
  await pause(200);
  for (const one of [setting.main, ...Object.values(setting.workers)]) await one.stop();
  for (const path of ['/_matrix/client/versions', '/_matrix/federation/v1/version']) {
    expect(await setting.whoAnswers(path)).toBe('{"versions":["v1.1"]}');
  }
});

it('a request that is under way when its worker dies is sent to another where that does no harm, and fails where it may', async (context) => {
  const setting = await startWorkers(context, { event_creator: ['e'], generic: ['g'] });
  const { workers, whoAnswers } = setting;
  workers['e']!.hung = true;
  const send = whoAnswers('/_matrix/client/v3/rooms/!r:a.test/send/m.x/txn1', { method: 'PUT', body: '{}' });
  const join = whoAnswers('/_matrix/client/v3/rooms/!r:a.test/join', { method: 'POST', body: '{}' });
  await until('both are there', () => workers['e']!.seen.length === 2);
  await workers['e']!.stop();
  expect([await send, await join]).toEqual(['g', '502']);
  expect(workers['g']!.seen).toHaveLength(1);
});
