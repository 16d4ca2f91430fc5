import { setTimeout as pause } from 'node:timers/promises';
import { expect, it, type TestContext } from 'vitest';
import { realSystem } from '../../src/base/system.ts';
import { startInstance, type TestInstance } from '../harness/instances.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { exchangeWhole } from '../harness/stream-client.ts';
import { until } from '../harness/until.ts';

interface Setting {
  readonly sidecar: TestSidecar;
  readonly a: TestInstance;
  /** What the resolver does from now on. */
  resolver: { readonly address?: string; readonly delay?: number };
  lookups(): number;
  send(count: number, method?: string): Promise<string[]>;
  /** What was logged of the name. */
  lines(): readonly string[];
}

const A = '127.0.0.2';

async function setUp(context: TestContext): Promise<Setting> {
  const a = await startInstance(context, 'a', { host: A });
  let lookups = 0;
  const lookup = async (host: string) => {
    lookups++;
    const { address, delay = 0 } = setting.resolver;
    await pause(delay, undefined, { ref: false });
    if (address !== undefined) return [{ address, family: 4 }];
    throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' });
  };
  const sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "http://synapse:${a.port}" }]`, {
    system: { ...realSystem, lookup },
  });
  context.onTestFinished(() => sidecar.close());
  const path = '/_matrix/x';
  const setting: Setting = {
    ...{ sidecar, a, resolver: { address: A }, lookups: () => lookups },
    async send(count, method = 'GET') {
      const body = method === 'GET' ? {} : { body: '{}' };
      const all = Array.from({ length: count }, () => exchangeWhole(sidecar, 'HTTP/1.1', { path, method, ...body }));
      return (await Promise.all(all)).map((answer) => `${answer.status} ${answer.body.toString()}`);
    },
    lines: () => sidecar.logged.filter(({ fields }) => fields['host'] === 'synapse').map(({ sentence }) => sentence),
  };
  return setting;
}

it('new connections go to where it led last, said once, and once when it is over', async (context) => {
  const setting = await setUp(context);
  expect(await setting.send(1)).toEqual(['200 a']);
  setting.resolver = {};
  const before = setting.lookups();
  expect(await setting.send(1)).toEqual(['200 a']);
  // On the open connection: nobody asked.
  expect(setting.lookups()).toBe(before);
  // A POST always has a connection of its own.
  for (let round = 0; round < 3; round++) expect(new Set(await setting.send(5, 'POST'))).toEqual(new Set(['200 a']));
  setting.resolver = { address: A };
  expect(await setting.send(1, 'POST')).toEqual(['200 a']);
  expect(setting.lines()).toEqual([
    expect.stringMatching(
      /^The name synapse does not resolve any more \(getaddrinfo ENOTFOUND synapse\)\. .*127\.0\.0\.2/,
    ),
    expect.stringMatching(/^The name synapse resolves again, after \d+\.\d s\.$/),
  ]);
});

it('requests wait when nobody answers there any more, and find it where it is next', async (context) => {
  const setting = await setUp(context);
  const { a, sidecar } = setting;
  expect(await setting.send(1)).toEqual(['200 a']);
  setting.resolver = {};
  await a.stop();
  const waiting = setting.send(10, 'POST');
  await until('all wait', () => sidecar.sidecar.status().servers[0]!.requests_held === 10);
  await startInstance(context, 'moved', { host: '127.0.0.3', port: a.port });
  const began = performance.now();
  setting.resolver = { address: '127.0.0.3' };
  expect(new Set(await waiting)).toEqual(new Set(['200 moved']));
  expect(performance.now() - began).toBeLessThan(3_000);
});

it('a name that never resolved is an absence, until it does', async (context) => {
  const setting = await setUp(context);
  setting.resolver = {};
  const waiting = setting.send(5);
  await until('all wait', () => setting.sidecar.sidecar.status().servers[0]!.requests_held === 5);
  setting.resolver = { address: A };
  expect(new Set(await waiting)).toEqual(new Set(['200 a']));
  expect(setting.lines()).toEqual([]);
});

it('a slow resolver is asked few questions, and waited for by nobody who knows the way', async (context) => {
  const setting = await setUp(context);
  expect(await setting.send(1)).toEqual(['200 a']);
  const before = setting.lookups();
  setting.resolver = { address: A, delay: 20_000 };
  const began = performance.now();
  expect(new Set(await setting.send(20, 'POST'))).toEqual(new Set(['200 a']));
  expect(new Set(await setting.send(20, 'POST'))).toEqual(new Set(['200 a']));
  expect(performance.now() - began).toBeLessThan(10_000);
  expect(setting.lookups() - before).toBeLessThanOrEqual(2);
  expect(setting.lines()).toEqual([]);
});
