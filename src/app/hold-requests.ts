import type { Log } from '../base/log.ts';
import type { System } from '../base/system.ts';
import { createHold, type Hold } from '../forward/hold.ts';
import type { UpstreamConnections } from '../forward/upstream-connections.ts';
import type { Metrics } from '../observe/metrics.ts';

/** Requests that may wait for one homeserver: with their connections some 100 MB, more than a small machine should spare. */
const MOST_WAITING = 2_000;
/** Of those, for other servers: as many as may be under way by default. Clients that are refused come again by themselves. */
const FOR_SERVERS = 500;

/** Holds the requests to one homeserver while it is away, and says so in the log. */
export function holdRequests(
  connections: UpstreamConnections,
  deps: { readonly system: System; readonly log: Log; readonly metrics: Metrics; onBack(): void },
): Hold {
  const { log, metrics } = deps;
  const homeserver = connections.upstream.text;
  return createHold(
    { most: MOST_WAITING, forServers: FOR_SERVERS },
    {
      system: deps.system,
      probe: () => connections.probe(),
      onOutcome: (outcome) => metrics.counter('requestsHeldTotal', { homeserver, outcome }).add(),
      onAway: (why) => log.warn({ homeserver }, `${why} Requests wait for it.`),
      onBack({ away, saved, expired }) {
        log.info(
          { homeserver, away_ms: Math.round(away), saved, expired },
          `The homeserver at ${homeserver} is back after ${(away / 1000).toFixed(1)} s: ${count(saved)} waited for it, ${count(expired)} in vain.`,
        );
        deps.onBack();
      },
    },
  );
}

function count(requests: number): string {
  return requests === 1 ? '1 request' : `${requests} requests`;
}
