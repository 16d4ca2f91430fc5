import { expect, it } from 'vitest';
import { viewServer } from '../../src/admin/view/server-view.ts';
import { instance, NOW, server } from './made-status.ts';

const gone = (more = {}) => instance({ state: 'ejected', ...more });
const pool = (...instances: ReturnType<typeof instance>[]) => [{ pool: 'sync', instances }];

it.each([
  ['all of it here', { instances: [instance()] }, 'good', 'up'],
  ['its homeserver away', { away_seconds: 95, instances: [gone()] }, 'bad', 'away for 95 seconds'],
  ['one of two workers away', { instances: [instance()], workers: pool(instance(), gone()) }, 'warn', '1 of 3 away'],
  ['all workers away', { instances: [instance()], workers: pool(gone(), gone()) }, 'bad', '2 of 3 away'],
  ['its authentication service away', { instances: [instance()], mas_instances: [gone()] }, 'bad', '1 of 2 away'],
  ['one coming back', { instances: [instance({ state: 'warming' })] }, 'warn', 'up, not all of it yet'],
] as const)('a server with %s', (_, more, tone, word) => {
  expect(viewServer(server('a.test', more), NOW)).toMatchObject({ tone, word });
});

it('an address is shown where a place leads to several', () => {
  const two = [instance({ address: '10.0.0.1:8008' }), instance({ address: '10.0.0.2:8008' })];
  expect(viewServer(server('a.test', { instances: two }), NOW).instances.map(({ address }) => address)).toEqual([
    '10.0.0.1:8008',
    '10.0.0.2:8008',
  ]);
  expect(viewServer(server('a.test', { instances: [instance()] }), NOW).instances[0]?.address).toBeUndefined();
});
