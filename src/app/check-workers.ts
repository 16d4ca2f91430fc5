import type { ReadinessCheck } from '../admin/status.ts';
import type { PoolName } from '../matrix/worker-pools.ts';
import { judgeStandIn, type StandIn } from '../route/judge-stand-in.ts';
import type { LookedAfter } from './workers.ts';

/** The workers of one homeserver as readiness looks at them. */
export interface ServerWorkers {
  readonly serverName: string;
  readonly pools: readonly (Pick<LookedAfter, 'pool'> & {
    readonly connections: {
      readonly instances: readonly { readonly health: { readonly state: 'here' | 'ejected' } }[];
    };
  })[];
}

/**
 * Says which pools have nobody left, and what becomes of their requests. It fails none: the other requests are served, and
 * another sidecar would not reach those workers either. No homeserver with workers, no check. Pure.
 */
export function checkWorkers(servers: readonly ServerWorkers[]): ReadinessCheck[] {
  return servers
    .filter(({ pools }) => pools.length > 0)
    .map(({ serverName, pools }) => {
      const isAway = ({ connections: { instances } }: ServerWorkers['pools'][number]): boolean =>
        instances.length > 0 && instances.every(({ health }) => health.state === 'ejected');
      const away = pools.filter(isAway).map(({ pool }) => pool);
      const here = new Set(pools.filter((one) => !isAway(one)).map(({ pool }) => pool)) as ReadonlySet<PoolName>;
      const said = away.map((pool) => `nobody of ${pool} is here: ${describe(pool, here)}`);
      const detail = said.length === 0 ? 'every pool has somebody' : said.join('; ');
      return { name: `workers of ${serverName}`, ok: true, detail };
    });
}

const WORDS: Readonly<Record<StandIn, string>> = {
  all: 'others answer its requests',
  some: 'others answer some of its requests, the rest waits',
  none: 'its requests wait',
};

function describe(pool: LookedAfter['pool'], here: ReadonlySet<PoolName>): string {
  return pool === 'background' ? 'what it does is left undone' : WORDS[judgeStandIn(pool, here)];
}
