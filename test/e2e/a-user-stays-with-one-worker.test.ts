import { expect, it } from 'vitest';
import { realSystem } from '../../src/base/system.ts';
import { ask } from '../harness/client.ts';
import { startInstance } from '../harness/instances.ts';
import { startTestSidecar } from '../harness/sidecar.ts';
import { startWorkers, synapseToken, type WorkersSetting } from '../harness/workers.ts';

const SYNC = '/_matrix/client/v3/sync?since=s1';
const USERS = Array.from({ length: 60 }, (_, index) => `user${index}`);
const THREE = { sync: ['s1', 's2', 's3'] };

/** Who answers each user, by a token that names it. */
async function spread({ whoAnswers }: WorkersSetting): Promise<ReadonlyMap<string, string>> {
  const found = await Promise.all(
    USERS.map(async (user) => [user, await whoAnswers(SYNC, { token: synapseToken(user) })] as const),
  );
  return new Map(found);
}

const whoamis = ({ main }: WorkersSetting): number => main.seen.filter((line) => line.includes('/whoami')).length;

it('whatever session it uses, wherever the token stands, over and over, and users are spread over all', async (context) => {
  const setting = await startWorkers(context, THREE);
  const first = await spread(setting);
  expect(new Set(first.values())).toEqual(new Set(THREE.sync));
  expect(await spread(setting)).toEqual(first);
  for (const user of USERS.slice(0, 10)) {
    const query = `${SYNC}&access_token=${synapseToken(user, 'c')}`;
    const answers = [
      await setting.whoAnswers(SYNC, { token: synapseToken(user, 'b') }),
      await setting.whoAnswers(query),
    ];
    expect(answers).toEqual([first.get(user), first.get(user)]);
  }
  expect(whoamis(setting)).toBe(0);
});

it('also with tokens that do not name it, of which the homeserver is asked once each', async (context) => {
  const setting = await startWorkers(context, THREE);
  const named = await spread(setting);
  for (const user of USERS.slice(0, 10)) {
    const answers = await Promise.all(
      ['x', 'x', 'x', 'y'].map((session) => setting.whoAnswers(SYNC, { token: `opaque-${user}-${session}` })),
    );
    expect([user, ...answers]).toEqual([user, ...answers.map(() => named.get(user))]);
  }
  expect(whoamis(setting)).toBe(20);
  await setting.whoAnswers(SYNC, { token: 'opaque-user0-x' });
  expect(whoamis(setting)).toBe(20);
});

it('and a token of which nobody can tell whose it is stays with one as well, and holds nothing up', async (context) => {
  const setting = await startWorkers(context, THREE);
  setting.main.hung = true;
  const began = performance.now();
  const first = await setting.whoAnswers(SYNC, { token: 'mat_abc' });
  expect(performance.now() - began).toBeLessThan(4_000);
  await setting.main.stop();
  const second = await setting.whoAnswers(SYNC, { token: 'mat_abc' });
  expect([THREE.sync.includes(first), second]).toEqual([true, first]);
  const logged = JSON.stringify(setting.sidecar.logged);
  expect(logged).not.toContain('mat_abc');
});

it('where there is one worker alone, nobody is asked whose a token is', async (context) => {
  const setting = await startWorkers(context, { sync: ['s1'] });
  expect(await setting.whoAnswers(SYNC, { token: 'opaque-user1-x' })).toBe('s1');
  expect(setting.main.seen).toEqual([]);
});

it('a room stays with one of those that make events, and a server with one of those that take its transactions', async (context) => {
  const setting = await startWorkers(context, { event_creator: ['e1', 'e2', 'e3'], federation_inbound: ['f1', 'f2'] });
  const rooms = await Promise.all(
    Array.from({ length: 40 }, async (_, index) => {
      const paths = [`!r${index}:a.test/send/m.x/1`, `!r${index}%3Aa.test/send/m.x/2`, `%21r${index}:a.test/join`];
      const who = await Promise.all(
        paths.map((path) => setting.whoAnswers(`/_matrix/client/v3/rooms/${path}`, { method: 'POST' })),
      );
      expect(new Set(who).size).toBe(1);
      return who[0];
    }),
  );
  expect(new Set(rooms).size).toBe(3);
  const servers = await Promise.all(
    Array.from({ length: 40 }, async (_, index) => {
      const headers = {
        authorization: `X-Matrix origin="s${index}.test",key="ed25519:1",sig="x",destination="a.test"`,
      };
      const who = await Promise.all(
        [1, 2, 3].map((id) => setting.whoAnswers(`/_matrix/federation/v1/send/${id}`, { method: 'PUT', headers })),
      );
      expect(new Set(who).size).toBe(1);
      return who[0];
    }),
  );
  expect(new Set(servers).size).toBe(2);
});

it('a worker that a reload adds takes its share from all others, and nothing else moves', async (context) => {
  const setting = await startWorkers(context, THREE, { more: ['s4'] });
  const before = await spread(setting);
  await setting.use({ sync: ['s4', 's3', 's2', 's1'] });
  const after = await spread(setting);
  const moved = USERS.filter((user) => before.get(user) !== after.get(user));
  expect(moved.map((user) => after.get(user))).toEqual(moved.map(() => 's4'));
  expect(moved.length).toBeGreaterThan(4);
  expect(moved.length).toBeLessThan(30);
  await setting.use(THREE);
  expect(await spread(setting)).toEqual(before);
});

it('where the name of a pool leads to several addresses, each is a worker', async (context) => {
  const one = await startInstance(context, 'one', { host: '127.0.0.2' });
  const other = await startInstance(context, 'other', { host: '127.0.0.3', port: one.port });
  const main = await startInstance(context, 'main');
  const lookup = async () => ['127.0.0.2', '127.0.0.3'].map((address) => ({ address, family: 4 }));
  const yaml = `servers: [{ server_name: a.test, homeserver: "${main.url}", workers: { sync: "http://sync:${one.port}" } }]`;
  const sidecar = await startTestSidecar(yaml, { system: { ...realSystem, lookup } });
  context.onTestFinished(() => sidecar.close());
  const spreadAll = () =>
    Promise.all(
      USERS.map(async (user) => {
        const headers = { host: 'a.test', authorization: `Bearer ${synapseToken(user)}` };
        return (await ask(sidecar, SYNC, { headers })).body.toString();
      }),
    );
  const first = await spreadAll();
  expect(new Set(first)).toEqual(new Set(['one', 'other']));
  expect(await spreadAll()).toEqual(first);
  expect(one.seen.length + other.seen.length).toBe(USERS.length * 2);
});
