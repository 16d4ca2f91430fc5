import { createUpstreamPool, type Upstream, type UpstreamPool } from '../base/address.ts';
import type { Log } from '../base/log.ts';
import type { System } from '../base/system.ts';
import type { Config, ServerConfig } from '../config/config.ts';
import { createAskWhoami } from '../forward/ask-whoami.ts';
import type { Hold, HoldRoom } from '../forward/hold.ts';
import type { Names } from '../forward/names.ts';
import { createPoolChain } from '../forward/pool-chain.ts';
import { createTokenUsers, TOKEN_USER_LIMITS, type TokenUsers } from '../forward/token-users.ts';
import type { UpstreamConnections } from '../forward/upstream-connections.ts';
import type { UpstreamWay } from '../forward/upstream-way.ts';
import type { PoolName } from '../matrix/worker-pools.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { PoolPlan } from '../route/choose-pool.ts';
import { connectUpstream } from './connect-upstream.ts';
import { holdRequests } from './hold-requests.ts';

/** What requests are sent by, and where they wait while nobody is there. */
export interface Way {
  readonly connections: UpstreamWay;
  readonly hold: Hold;
  /** Whether an instance has to be chosen there. */
  isChoice(): boolean;
}

/** A way to workers: the pools of a plan in their order, then perhaps the main process. */
interface PoolsWay extends Way {
  readonly server: string;
  readonly pools: readonly UpstreamConnections[];
  readonly main: UpstreamWay | undefined;
}

/** The workers of one pool, as they are looked after. */
export interface LookedAfter {
  /** `background` are those that take no requests. */
  readonly pool: PoolName | 'background';
  readonly connections: UpstreamConnections;
}

/** The workers of all homeservers of one configuration. */
export interface Workers {
  /** Where requests of a plan go; `server` is the server name whose chooser made it. */
  find(server: string, plan: PoolPlan): Way;
  /** Whose a token is that does not name its user; undefined where the server has no workers. */
  usersOf(server: string): TokenUsers | undefined;
  /** Those of one server, or of all. */
  list(server?: string): readonly LookedAfter[];
  /** The ways to workers that requests have taken so far, of one server, or of all. */
  listWays(server?: string): readonly Way[];
  /** Lets go of everything but what `next` has as well. Idempotent. */
  close(next?: Workers): void;
  /** For the next configuration. */
  readonly kept: Kept;
}

interface Kept {
  readonly pools: ReadonlyMap<string, UpstreamConnections>;
  readonly ways: ReadonlyMap<string, PoolsWay>;
  readonly users: ReadonlyMap<string, Users>;
  readonly room: HoldRoom;
}

interface Users {
  readonly main: UpstreamWay;
  readonly tokens: TokenUsers;
}

export interface WorkersDeps {
  readonly system: System;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly names: Names;
  readonly onExhausted?: () => void;
  /** The main process. */
  mainOf(server: ServerConfig): { readonly connections: UpstreamConnections; readonly hold: Hold };
}

/** Connections and waiting places that the configuration before had too are carried over. */
export function createWorkers(config: Config, deps: WorkersDeps, before?: Workers): Workers {
  const old = before?.kept;
  const room: HoldRoom = old?.room ?? { waiting: 0 };
  const pools = new Map<string, UpstreamConnections>();
  const mains = new Map<string, Way>();
  const servers = new Map<string, readonly LookedAfter[]>();
  const users = new Map<string, Users>();
  for (const server of config.servers) if (server.workers !== undefined) addServer(server, server.workers);
  const ways = new Map([...(old?.ways ?? [])].filter(([, way]) => isStillThere(way)));
  const byPlan = new WeakMap<PoolPlan, Way>();

  function addServer(server: ServerConfig, workers: NonNullable<ServerConfig['workers']>): void {
    const { text } = server.serverName;
    const main = deps.mainOf(server);
    const entries = Object.entries(workers.pools) as [PoolName, readonly Upstream[]][];
    const looked = entries.map(([pool, places]): LookedAfter => ({ pool, connections: connect(pool, places) }));
    if (workers.background.length > 0)
      looked.push({ pool: 'background', connections: connect('background', workers.background) });
    mains.set(text, { ...main, isChoice: () => false });
    servers.set(text, looked);
    const known = old?.users.get(text);
    const { connections } = main;
    users.set(text, known?.main === connections ? known : { main: connections, tokens: askUsers(text, connections) });
  }

  function askUsers(serverName: string, connections: UpstreamConnections): TokenUsers {
    const ask = createAskWhoami({ serverName, connections }, deps);
    return createTokenUsers(TOKEN_USER_LIMITS, { system: deps.system, ask });
  }

  /** Pools with the same workers share their connections, and what is known of their health. */
  function connect(pool: LookedAfter['pool'], places: readonly Upstream[]): UpstreamConnections {
    const upstream: UpstreamPool = createUpstreamPool(places as readonly [Upstream, ...Upstream[]]);
    const idle = pool === 'background';
    const id = nameFor(upstream, idle);
    const made = pools.get(id) ?? old?.pools.get(id) ?? connectUpstream(upstream, { ...deps, replaceable: true, idle });
    pools.set(id, made);
    return made;
  }

  function isStillThere(way: PoolsWay): boolean {
    const main = mains.get(way.server)?.connections;
    return (
      main !== undefined &&
      (way.main === undefined || way.main === main) &&
      way.pools.every((one) => [...pools.values()].includes(one))
    );
  }

  /** Made when it is needed: few of all combinations are. */
  function makeWay(server: string, plan: PoolPlan): Way {
    const main = mains.get(server)!;
    if (plan.pools.length === 0) return main;
    const found = poolsOf(server, plan);
    const tiers = [...found, ...(plan.mainToo ? [main.connections] : [])] as unknown as [UpstreamWay, ...UpstreamWay[]];
    const connections = createPoolChain(tiers);
    const id = `${server} ${connections.upstream.text}${plan.mainToo ? ' (main)' : ''}`;
    const known = ways.get(id);
    if (known !== undefined) return known;
    const hold = holdRequests(connections, { ...deps, room, who: 'One of the workers' });
    const isChoice = (): boolean => found.some(({ instances }) => instances.length > 1);
    const made = {
      connections,
      hold,
      isChoice,
      server,
      pools: found,
      main: plan.mainToo ? main.connections : undefined,
    };
    ways.set(id, made);
    return made;
  }

  function poolsOf(server: string, plan: PoolPlan): readonly UpstreamConnections[] {
    const looked = servers.get(server) ?? [];
    return plan.pools.flatMap((name) => looked.filter(({ pool }) => pool === name).map((one) => one.connections));
  }

  return {
    find(server, plan) {
      const known = byPlan.get(plan);
      if (known !== undefined) return known;
      const made = makeWay(server, plan);
      byPlan.set(plan, made);
      return made;
    },
    usersOf: (server) => users.get(server)?.tokens,
    list: (server) => (server === undefined ? [...servers.values()].flat() : (servers.get(server) ?? [])),
    listWays: (server) => [...ways.values()].filter((way) => server === undefined || way.server === server),
    close(next) {
      const stays = new Set<unknown>(
        next === undefined
          ? []
          : [...next.kept.pools.values(), ...next.kept.ways.values(), ...next.kept.users.values()],
      );
      for (const one of users.values()) if (!stays.has(one)) one.tokens.close();
      for (const way of ways.values()) {
        if (stays.has(way)) way.hold.review();
        else way.hold.close();
      }
      for (const connections of pools.values()) if (!stays.has(connections)) connections.close();
    },
    kept: { pools, ways, users, room },
  };
}

/** Those that take no requests are apart: others stand in for the rest alone. */
function nameFor(upstream: UpstreamPool, idle: boolean): string {
  return idle ? `background: ${upstream.text}` : upstream.text;
}
