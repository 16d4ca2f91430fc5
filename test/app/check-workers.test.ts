import { expect, it } from 'vitest';
import { checkWorkers, type ServerWorkers } from '../../src/app/check-workers.ts';

type Pool = ServerWorkers['pools'][number]['pool'];

/** Pools with the states of their instances. */
const pools = (states: Partial<Record<Pool, readonly ('here' | 'ejected')[]>>): ServerWorkers => ({
  serverName: 'a.test',
  pools: Object.entries(states).map(([pool, instances]) => ({
    pool: pool as Pool,
    connections: { instances: instances.map((state) => ({ health: { state } })) },
  })),
});

it.each([
  ['all are here', { sync: ['here'], media: ['here'] }, 'every pool has somebody'],
  ['one of two is away', { sync: ['ejected', 'here'] }, 'every pool has somebody'],
  ['a name leads nowhere yet', { sync: [] }, 'every pool has somebody'],
  [
    'all of one pool are away',
    { sync: ['ejected', 'ejected'], generic: ['here'] },
    'nobody of sync is here: others answer its requests',
  ],
  [
    'those are away for whom nobody can stand in',
    { media: ['ejected'], push_rules: ['ejected'], background: ['ejected'] },
    'nobody of media is here: its requests wait; nobody of push_rules is here: others answer some of its requests, the rest waits; nobody of background is here: what it does is left undone',
  ],
] as const)('readiness says it when %s, and does not fail for it', (_, states, detail) => {
  expect(checkWorkers([pools(states)])).toEqual([{ name: 'workers of a.test', ok: true, detail }]);
});

it('says nothing of a homeserver without workers', () => {
  expect(checkWorkers([{ serverName: 'a.test', pools: [] }])).toEqual([]);
});
