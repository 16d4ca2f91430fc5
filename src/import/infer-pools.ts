import { type PoolName, SINGLE_POOLS, STREAMS, WORKER_POOLS } from '../matrix/worker-pools.ts';
import type { WorkerSample } from './worker-samples.ts';

/** A sample, and the group of servers that it goes to; undefined is the main process. */
export interface Observed extends WorkerSample {
  readonly there: WorkerGroup | undefined;
}

/** Servers between which requests are shared. Compared by identity: the same servers are the same object. */
export interface WorkerGroup {
  readonly instances: readonly string[];
}

export type Pools = ReadonlyMap<PoolName, WorkerGroup>;

/** A worker gets what went to the main process: any that is for its kind can take it. */
const TAKEN_OVER = 0.1;
const ROUNDS = 3;
/** All but `generic`, the more special ones first. */
const SPECIAL: readonly PoolName[] = [
  ...STREAMS,
  'initial_sync',
  ...WORKER_POOLS.filter((pool) => pool !== 'generic' && pool !== 'initial_sync'),
];

/**
 * The pools with which requests go where they went, or as near to it as pools can come: each gets the group with which the fewest
 * requests go elsewhere, `generic` what several would have in common. Pure.
 */
export function inferPools(observed: readonly Observed[]): Pools {
  let pools: Pools = new Map();
  for (let round = 0; round < ROUNDS; round++) {
    const before = pools;
    for (const pool of SPECIAL) pools = improve(pools, pool, observed);
    pools = merge(pools, observed);
    if (isSame(before, pools)) break;
  }
  return pools;
}

/** Where a request goes by the pools; undefined is the main process. */
export function choose({ pools: order }: WorkerSample, pools: Pools): WorkerGroup | undefined {
  const pool = order.find((one) => pools.has(one));
  return pool === undefined ? undefined : pools.get(pool);
}

function improve(pools: Pools, pool: PoolName, observed: readonly Observed[]): Pools {
  const touched = observed.filter((one) => one.pools.includes(pool));
  const without = change(pools, pool, undefined);
  let [best, least] = [without, cost(without, touched)];
  for (const group of listGroups(touched)) {
    if (SINGLE_POOLS.has(pool) && group.instances.length > 1) continue;
    const next = change(pools, pool, group);
    const price = cost(next, touched);
    if (price < least - 1e-9) [best, least] = [next, price];
  }
  return best;
}

/** `generic` in place of all pools that have the same group and that it stands in for, where that costs nothing. */
function merge(pools: Pools, observed: readonly Observed[]): Pools {
  const open = observed.filter((one) => one.pools.includes('generic'));
  const standsIn = new Set(open.flatMap((one) => one.pools));
  const weights = listGroups(open).map((group) => ({
    group,
    weight: open.reduce((sum, { there, weight }) => sum + (there === group ? weight : 0), 0),
  }));
  const before = cost(pools, observed);
  for (const { group } of weights.sort((a, b) => b.weight - a.weight)) {
    const rest = [...pools].filter(([pool, one]) => pool !== 'generic' && !(one === group && standsIn.has(pool)));
    const next = new Map<PoolName, WorkerGroup>([['generic', group], ...rest]);
    const price = cost(next, observed);
    if (price < before - 1e-9 || (price <= before + 1e-9 && next.size < pools.size)) return next;
  }
  return pools;
}

function cost(pools: Pools, observed: readonly Observed[]): number {
  return observed.reduce((sum, one) => {
    if (choose(one, pools) === one.there) return sum;
    return sum + one.weight * (one.there === undefined ? TAKEN_OVER : 1);
  }, 0);
}

function listGroups(observed: readonly Observed[]): readonly WorkerGroup[] {
  return [...new Set(observed.flatMap(({ there }) => there ?? []))];
}

function change(pools: Pools, pool: PoolName, group: WorkerGroup | undefined): Pools {
  const next = new Map(pools);
  next.delete(pool);
  return group === undefined ? next : next.set(pool, group);
}

function isSame(one: Pools, other: Pools): boolean {
  return one.size === other.size && [...one].every(([pool, group]) => other.get(pool) === group);
}
