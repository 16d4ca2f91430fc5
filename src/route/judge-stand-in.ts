import type { PoolName } from '../matrix/worker-pools.ts';
import { WORKER_ROUTES, type WorkerRoute } from '../matrix/worker-routes.ts';

/**
 * What becomes of the requests of a pool that has nobody left. `all` of them are answered by others, of `some` kinds only
 * those that others can answer, or `none`.
 */
export type StandIn = 'all' | 'some' | 'none';

/**
 * Who answers for a pool. By the table of routes: a pool further on in a row stands in, and the main process where the row
 * says so. Of rows where another pool comes first, this one has no requests. Pure.
 *
 * @param here the other pools that have somebody left.
 */
export function judgeStandIn(
  pool: PoolName,
  here: ReadonlySet<PoolName>,
  routes: readonly WorkerRoute[] = WORKER_ROUTES,
): StandIn {
  const answered = routes.flatMap((route) => {
    const reads = [...route.pools, ...(route.reads ?? [])];
    const asked = [
      { pools: reads, mainToo: route.failover !== 'none' },
      { pools: route.pools, mainToo: route.failover === 'main' },
    ];
    return asked
      .filter(({ pools }) => pools.includes(pool) && !pools.slice(0, pools.indexOf(pool)).some((one) => here.has(one)))
      .map(({ pools, mainToo }) => mainToo || pools.some((one) => one !== pool && here.has(one)));
  });
  if (answered.every((is) => is)) return 'all';
  return answered.some((is) => is) ? 'some' : 'none';
}
