import { expect, it, type TestContext } from 'vitest';
import type { InstanceStatus } from '../../src/admin/status.ts';
import { realSystem } from '../../src/base/system.ts';
import { startInstance, type TestInstance } from '../harness/instances.ts';
import { startTestSidecar, type TestSidecar } from '../harness/sidecar.ts';
import { exchangeWhole } from '../harness/stream-client.ts';
import { until } from '../harness/until.ts';

interface Setting {
  readonly sidecar: TestSidecar;
  /** At 127.0.0.2 and 127.0.0.3, the same port. */
  readonly a: TestInstance;
  readonly b: TestInstance;
  /** What the name leads to from now on. */
  lead(...to: string[]): void;
  instances(): readonly InstanceStatus[];
  /** Sends so many at once and gives who answered each. */
  send(count: number, method?: string): Promise<string[]>;
}

const A = '127.0.0.2';
const B = '127.0.0.3';

async function setUp(context: TestContext, ...first: string[]): Promise<Setting> {
  const a = await startInstance(context, 'a', { host: A });
  const b = await startInstance(context, 'b', { host: B, port: a.port });
  let addresses = first;
  const lookup = async (host: string) => {
    expect(host).toBe('synapse');
    return addresses.map((address) => ({ address, family: 4 }));
  };
  const sidecar = await startTestSidecar(`servers: [{ server_name: a.test, homeserver: "http://synapse:${a.port}" }]`, {
    system: { ...realSystem, lookup },
  });
  context.onTestFinished(() => sidecar.close());
  const path = '/_matrix/x';
  return {
    ...{ sidecar, a, b },
    lead: (...to) => {
      addresses = to;
    },
    instances: () => sidecar.sidecar.status().servers[0]!.instances,
    async send(count, method = 'GET') {
      const body = method === 'GET' ? {} : { body: '{}' };
      const all = Array.from({ length: count }, () => exchangeWhole(sidecar, 'HTTP/1.1', { path, method, ...body }));
      return (await Promise.all(all)).map((answer) => `${answer.status} ${answer.body.toString()}`).sort();
    },
  };
}

it('both share the requests, from the first on', async (context) => {
  const { a, b, instances, send } = await setUp(context, A, B);
  a.slow = 500;
  b.slow = 500;
  expect(await send(10)).toEqual([...Array(5).fill('200 a'), ...Array(5).fill('200 b')]);
  expect(instances().map(({ address, state }) => `${address} ${state}`)).toEqual([
    `${A}:${a.port} here`,
    `${B}:${a.port} here`,
  ]);
});

it('where one is dead, the other serves everything', async (context) => {
  const { b, instances, send } = await setUp(context, A, B);
  await b.stop();
  expect(new Set([...(await send(10)), ...(await send(10, 'POST'))])).toEqual(new Set(['200 a']));
  expect(instances().map(({ state }) => state)).toEqual(['here', 'ejected']);
});

it('one that is added gets requests, and one that is taken away gets none', async (context) => {
  const { a, b, lead, instances, send } = await setUp(context, A);
  a.slow = 50;
  b.slow = 50;
  expect(new Set(await send(10))).toEqual(new Set(['200 a']));
  lead(A, B);
  await until('both serve', async () => new Set(await send(40, 'POST')).size === 2);
  expect(instances().map(({ state }) => state)).toEqual(['here', 'warming']);
  lead(B);
  await until('the first one is forgotten', async () => new Set(await send(10, 'POST')).size === 1);
  expect(instances().map(({ address }) => address)).toEqual([`${B}:${b.port}`]);
});

it('a WebSocket goes to one that is there', async (context) => {
  const { sidecar, b, send, instances } = await setUp(context, A, B);
  await b.stop();
  for (let index = 0; index < 6; index++) {
    const headers = ['Connection', 'Upgrade', 'Upgrade', 'websocket', 'Sec-WebSocket-Version', '13'];
    const answer = await exchangeWhole(sidecar, 'HTTP/1.1', { path: '/_matrix/ws', headers });
    expect([answer.status, answer.body.toString()]).toEqual([200, 'a']);
  }
  expect(await send(1)).toEqual(['200 a']);
  await until('nothing is counted that is over', () => instances().every(({ requests_in_flight: now }) => now === 0));
});
