import { compileWorkerRoutes } from '../matrix/match-worker-route.ts';
import type { PoolName } from '../matrix/worker-pools.ts';
import { WORKER_ROUTES, type WorkerRoute } from '../matrix/worker-routes.ts';

/** A GET by which to find out where the requests of a route go. */
export interface WorkerSample {
  /** With its query. */
  readonly target: string;
  readonly route: WorkerRoute;
  /** Who may take it by Synapse's documentation, in order. */
  readonly pools: readonly PoolName[];
  /** Of all samples of the route together, 1. */
  readonly weight: number;
}

/** Each alternative of a pattern is in one of its samples; a pattern has a dozen at most. */
const MOST_SAMPLES = 12;
/** For what may be anything: nothing that another route takes for a word of its own. */
const ANYTHING = '!room:example.com';

/** Some requests of each route, so that each alternative of its pattern is in one of them. */
export function listWorkerSamples(): readonly WorkerSample[] {
  const match = compileWorkerRoutes(WORKER_ROUTES);
  return WORKER_ROUTES.flatMap((route) => {
    // A path of one pattern may belong to another that comes before it.
    const paths = writeOut(route.pattern).filter((path) => match(path, path.length) === route);
    const always = [...route.pools, ...(route.reads ?? [])];
    const samples = paths.flatMap((path): Omit<WorkerSample, 'weight'>[] => {
      const { initial } = route;
      if (initial === undefined) return [{ target: path, route, pools: always }];
      const first = { target: path, route, pools: ['initial_sync', ...always] } as const;
      return initial === 'always' ? [first] : [first, { target: `${path}?${initial}=s1_2_3`, route, pools: always }];
    });
    return samples.map((sample) => ({ ...sample, weight: 1 / samples.length }));
  });
}

/** The paths of a pattern (see WorkerRoute), the n-th with the n-th alternative of each group. */
function writeOut(pattern: string): readonly string[] {
  const groups = [...pattern.matchAll(/\(([^()]*)\)(\?)?/g)].map(([, inner = '', optional]) => [
    ...inner.split('|'),
    ...(optional === undefined ? [] : ['']),
  ]);
  const count = Math.min(MOST_SAMPLES, Math.max(1, ...groups.map(({ length }) => length)));
  const paths = Array.from({ length: count }, (_, n) => {
    let group = 0;
    const chosen = pattern.replaceAll(/\([^()]*\)\??/g, () => {
      const choices = groups[group++]!;
      return choices[n % choices.length]!;
    });
    const whole = chosen.endsWith('/') ? `${chosen}${ANYTHING}` : chosen;
    return whole.replace(/\$$/, '').replaceAll(/\.\*|\[\^\/\]\+/g, ANYTHING);
  });
  return [...new Set(paths)];
}
