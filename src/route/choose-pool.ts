import { readParameter } from '../matrix/access-token.ts';
import { compileWorkerRoutes, type WorkerRouteMatcher } from '../matrix/match-worker-route.ts';
import type { BalancingKey, PoolName } from '../matrix/worker-pools.ts';
import { ROUTES_VERSION, WORKER_ROUTES, type WorkerRoute } from '../matrix/worker-routes.ts';
import { findPathEnd } from './request-target.ts';
import { type KeyFacts, NO_KEY, type RoutingKey, readRoutingKey } from './routing-key.ts';

/** Who may take a request, in order. Made once per route and configuration. */
export interface PoolPlan {
  /** The first that has an instance which can be had takes it. None: the main process. */
  readonly pools: readonly PoolName[];
  /** Whether the main process takes it when none of the pools can. Always true where there are no pools. */
  readonly mainToo: boolean;
  /** `none` also where no pool has a second instance to choose from. */
  readonly key: BalancingKey;
  /** The pattern of the route that matched; undefined where none did. */
  readonly pattern: string | undefined;
  /** One sentence, for logs and `explain`. */
  readonly why: string;
}

/** Where one request goes. */
export interface PoolDecision {
  readonly plan: PoolPlan;
  readonly key: RoutingKey;
}

export interface PoolRequest extends KeyFacts {
  readonly method: string;
}

/** Decides which pool of workers takes a request. Pure: the same request gives the same decision. */
export type PoolChooser = (request: PoolRequest) => PoolDecision;

/** The plans of one route: for GET and HEAD or others, initial syncs or not. */
type Plans = readonly [others: PoolPlan, reads: PoolPlan, initialOthers: PoolPlan, initialReads: PoolPlan];

const SOURCE = `Synapse ${ROUTES_VERSION}`;

/** `instances`: how many there are of each configured pool, at least one. */
export function createPoolChooser(
  instances: ReadonlyMap<PoolName, number>,
  routes: readonly WorkerRoute[] = WORKER_ROUTES,
  match: WorkerRouteMatcher = compileWorkerRoutes(routes),
): PoolChooser {
  const plans = new Map<WorkerRoute, Plans>(routes.map((route) => [route, makePlans(route, instances)]));
  const unlisted: PoolDecision = Object.freeze({
    plan: toMain(undefined, `no worker of ${SOURCE} takes this path: the main process`),
    key: NO_KEY,
  });
  return (request) => {
    const { method, target } = request;
    const end = findPathEnd(target);
    const route = match(target, end);
    if (route === undefined) return unlisted;
    const reads = method === 'GET' || method === 'HEAD' ? 1 : 0;
    const initial = route.initial !== undefined && isInitial(route.initial, target, end) ? 2 : 0;
    const plan = plans.get(route)![reads + initial]!;
    return { plan, key: plan.key === 'none' ? NO_KEY : readRoutingKey(plan.key, request, end) };
  };
}

/** Client-server API, "Syncing": the whole state is asked for, which costs the homeserver much. */
function isInitial(initial: 'always' | 'since' | 'from', target: string, end: number): boolean {
  if (initial === 'always') return true;
  const since = readParameter(target, end, initial);
  if (since === undefined || since === '') return true;
  return initial === 'since' && readParameter(target, end, 'full_state') === 'true';
}

function makePlans(route: WorkerRoute, instances: ReadonlyMap<PoolName, number>): Plans {
  const forReads = [...route.pools, ...(route.reads ?? [])];
  const initial = (pools: readonly PoolName[]): readonly PoolName[] =>
    route.initial === undefined ? pools : ['initial_sync', ...pools];
  return [
    makePlan(route, route.pools, false, instances),
    makePlan(route, forReads, true, instances),
    makePlan(route, initial(route.pools), false, instances),
    makePlan(route, initial(forReads), true, instances),
  ];
}

function makePlan(
  route: WorkerRoute,
  meant: readonly PoolName[],
  reads: boolean,
  instances: ReadonlyMap<PoolName, number>,
): PoolPlan {
  const from = `${route.pattern} (${SOURCE}, ${describeSource(route)})`;
  if (meant.length === 0) return toMain(route, `${from}: the main process alone`);
  const pools = meant.filter((pool) => instances.has(pool));
  if (pools.length === 0) return toMain(route, `${from}: no ${meant.join(' or ')} is configured: the main process`);
  const mainToo = route.failover === 'main' || (route.failover === 'reads' && reads);
  const isChoice = pools.some((pool) => instances.get(pool)! > 1);
  const key = isChoice ? route.key : 'none';
  const by = key === 'none' ? '' : `, by ${key === 'path-user' ? 'user' : key}`;
  const then = [...pools.slice(1), ...(mainToo ? ['the main process'] : [])];
  const otherwise = then.length === 0 ? '; nobody else can' : `; ${then.join(', then ')} where it cannot be had`;
  return Object.freeze({ pools, mainToo, key, pattern: route.pattern, why: `${from}: ${pools[0]}${by}${otherwise}` });
}

function describeSource({ source }: WorkerRoute): string {
  return typeof source === 'number' ? `docs/workers.md line ${source}` : source;
}

function toMain(route: WorkerRoute | undefined, why: string): PoolPlan {
  return Object.freeze({ pools: [], mainToo: true, key: 'none', pattern: route?.pattern, why });
}
