import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, type TestContext } from 'vitest';
import type { InstanceStatus } from '../../src/admin/status.ts';
import { realSystem, type System } from '../../src/base/system.ts';
import { ask } from '../harness/client.ts';
import { createFastSystem } from '../harness/fast-system.ts';
import { startInstance, type TestInstance } from '../harness/instances.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { exchangeWhole, VERSIONS } from '../harness/stream-client.ts';
import { until } from '../harness/until.ts';

const SEND = '/_matrix/federation/v1/send/1234';

interface Setting {
  readonly sidecar: TestSidecar;
  readonly a: TestInstance;
  readonly b: TestInstance;
  instances(): readonly InstanceStatus[];
}

async function setUp(context: TestContext, system: System = realSystem): Promise<Setting> {
  const [a, b] = [await startInstance(context, 'a'), await startInstance(context, 'b')];
  const sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: ["${a.url}", "${b.url}"] }]`, {
    system,
  });
  context.onTestFinished(() => sidecar.close());
  return { sidecar, a, b, instances: () => sidecar.sidecar.status().servers[0]!.instances };
}

const stateOf = ({ instances }: Setting, { url }: TestInstance): string | undefined =>
  instances().find(({ place }) => place === url)?.state;

/** Requests one after the other in `lanes` at once for as long as `go` says; gives the statuses, and who answered. */
async function load(sidecar: TestSidecar, lanes: number, go: () => boolean): Promise<string[]> {
  const outcomes: string[] = [];
  const run = async (lane: number): Promise<void> => {
    for (let index = 0; go(); index++) {
      const put = index % 2 === 0;
      const { status, body } = await ask(sidecar, put ? `${SEND}${lane}-${index}` : '/_matrix/client/v3/sync', {
        method: put ? 'PUT' : 'GET',
        headers: { host: 'a.test' },
        ...(put ? { body: '{}' } : {}),
      });
      outcomes.push(`${status} ${body.toString()}`);
    }
  };
  await Promise.all(Array.from({ length: lanes }, (_, lane) => run(lane)));
  return outcomes;
}

it('requests go to the least busy', async (context) => {
  const setting = await setUp(context);
  const { sidecar, a, b } = setting;
  a.slow = 800;
  b.slow = 800;
  await Promise.all(Array.from({ length: 12 }, () => exchangeWhole(sidecar, 'HTTP/1.1', { path: '/_matrix/x' })));
  expect([a.seen.length, b.seen.length]).toEqual([6, 6]);
  expect(setting.instances().map(({ requests_in_flight: now }) => now)).toEqual([0, 0]);
});

it('one that is killed under load and comes back costs no request that may be repeated', async (context) => {
  const setting = await setUp(context);
  const { sidecar, a, b } = setting;
  a.slow = 20;
  b.slow = 20;
  let going = true;
  const loading = load(sidecar, 8, () => going);
  await until('both are at work', () => a.seen.length > 10 && b.seen.length > 10);
  await b.stop();
  await until('it is ejected', () => stateOf(setting, b) === 'ejected');
  await pause(300);
  await b.start();
  await until('it is warming', () => stateOf(setting, b) === 'warming');
  const before = b.seen.length;
  await until('it gets requests again', () => b.seen.length > before);
  going = false;
  const outcomes = await loading;
  expect(outcomes.filter((outcome) => !outcome.startsWith('200'))).toEqual([]);
  expect(new Set(outcomes)).toEqual(new Set(['200 a', '200 b']));
  const lines = sidecar.logged.filter(({ fields }) => fields['instance'] === b.url);
  expect(lines.map(({ level }) => level)).toEqual(['warn', 'info']);
  expect(lines[0]!.fields['id']).toBe('upstream-instance-ejected');
  expect(lines[0]!.sentence).toMatch(/1 of 2 instances are left\.$/);
});

describe.each(VERSIONS)('over %s', (version) => {
  it('what could not be sent to one goes to another at once, whatever it is', async (context) => {
    const setting = await setUp(context);
    const { sidecar, a, b } = setting;
    await b.stop();
    const began = performance.now();
    const large = Buffer.alloc(300_000, 'x');
    for (let index = 0; index < 8; index++) {
      const body = index % 2 === 0 ? '{}' : large;
      const answer = await exchangeWhole(sidecar, version, { method: 'POST', path: '/_matrix/client/v3/x', body });
      expect([answer.status, answer.body.toString()]).toEqual([200, 'a']);
    }
    expect(performance.now() - began).toBeLessThan(3_000);
    expect(a.seen).toHaveLength(8);
    expect(sidecar.logged.filter(({ sentence }) => sentence.includes('Requests wait'))).toEqual([]);
  });

  it('when all are gone, requests wait until one is back', async (context) => {
    const { sidecar, a, b } = await setUp(context);
    await a.stop();
    await b.stop();
    const waiting = [1, 2, 3].map(() => exchangeWhole(sidecar, version, { path: '/_matrix/client/v3/sync' }));
    await until('all wait', () => sidecar.sidecar.status().servers[0]!.requests_held === 3);
    const own = await ask(sidecar, '/.well-known/matrix/client', { headers: { host: 'a.test' } });
    expect(own.status).toBe(200);
    await b.start();
    expect((await Promise.all(waiting)).map(({ body }) => body.toString())).toEqual(['b', 'b', 'b']);
  });
});

it('one that says that it is starting gets no requests, and its share of them is asked elsewhere', async (context) => {
  const setting = await setUp(context);
  const { sidecar, b } = setting;
  b.status = 503;
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => exchangeWhole(sidecar, 'HTTP/1.1', { path: '/_matrix/x' })),
  );
  expect(new Set(answers.map(({ status, body }) => `${status} ${body.toString()}`))).toEqual(new Set(['200 a']));
  expect(stateOf(setting, b)).toBe('ejected');
  b.status = 200;
  await until('it is back', () => stateOf(setting, b) === 'warming');
});

it('one that hangs is ejected, and well-known answers never notice', async (context) => {
  const setting = await setUp(context, createFastSystem(5));
  const { sidecar, a, b } = setting;
  b.hung = true;
  a.hung = true;
  const own = await ask(sidecar, '/.well-known/matrix/client', { headers: { host: 'a.test' } });
  expect(own.status).toBe(200);
  a.hung = false;
  await until('it is ejected', () => stateOf(setting, b) === 'ejected');
  const found = setting.instances().find(({ place }) => place === b.url);
  expect(found?.why).toMatch(/does not answer to \/health within 3 s/);
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => exchangeWhole(sidecar, 'HTTP/1.1', { path: '/_matrix/x' })),
  );
  expect(new Set(answers.map(({ body }) => body.toString()))).toEqual(new Set(['a']));
});

it('the share of one that came back grows', async (context) => {
  const setting = await setUp(context, createFastSystem(4));
  const { sidecar, a, b } = setting;
  a.slow = 20;
  b.slow = 20;
  await b.stop();
  expect((await ask(sidecar, SEND, { headers: { host: 'a.test' } })).status).toBe(200);
  let going = true;
  const loading = load(sidecar, 16, () => going);
  await until('it is ejected', () => stateOf(setting, b) === 'ejected');
  await b.start();
  await until('it is warming', () => stateOf(setting, b) === 'warming');
  const share = async (ms: number): Promise<number> => {
    const before = [a.seen.length, b.seen.length] as const;
    await pause(ms);
    const [more, less] = [a.seen.length - before[0], b.seen.length - before[1]];
    return less / (more + less);
  };
  const first = await share(400);
  await pause(700);
  const later = await share(400);
  going = false;
  expect((await loading).filter((outcome) => !outcome.startsWith('200'))).toEqual([]);
  expect(first).toBeGreaterThan(0.02);
  expect(first).toBeLessThan(0.35);
  expect(later).toBeGreaterThan(first + 0.05);
});

it('metrics and status show each', async (context) => {
  const setting = await setUp(context);
  const { sidecar, a, b } = setting;
  await b.stop();
  for (let index = 0; index < 6; index++) await exchangeWhole(sidecar, 'HTTP/1.1', { path: '/_matrix/x' });
  const scrape = await (await fetch(`http://127.0.0.1:${sidecar.admin}/metrics`)).text();
  const upstream = `upstream="${a.url}, ${b.url}"`;
  expect(scrape).toContain(`matrix_sidecar_upstream_instances{${upstream},state="here"} 1`);
  expect(scrape).toContain(`matrix_sidecar_upstream_instances{${upstream},state="ejected"} 1`);
  expect(scrape).toContain(`matrix_sidecar_upstream_ejections_total{${upstream}} 1`);
  expect(scrape).toContain(`matrix_sidecar_upstream_requests_in_flight{${upstream}} 0`);
  expect(setting.instances()).toMatchObject([
    { place: a.url, address: `127.0.0.1:${a.port}`, state: 'here', why: null },
    { place: b.url, state: 'ejected', why: expect.stringMatching(/ECONNREFUSED/) },
  ]);
});
