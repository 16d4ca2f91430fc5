import type { Log } from '../base/log.ts';
import type { System } from '../base/system.ts';
import { createHold, type Hold, type HoldRoom } from '../forward/hold.ts';
import type { UpstreamWay } from '../forward/upstream-way.ts';
import type { Metrics } from '../observe/metrics.ts';

/** Requests that may wait for one homeserver: with their connections some 100 MB, more than a small machine should spare. */
const MOST_WAITING = 2_000;
/** Of those, for other servers: as many as may be under way by default. Clients that are refused come again by themselves. */
const FOR_SERVERS = 500;

/** Holds the requests to one homeserver, to some of its workers, or to a service beside it, while it is away, and says so in the log. */
export function holdRequests(
  connections: UpstreamWay,
  deps: {
    readonly system: System;
    readonly log: Log;
    readonly metrics: Metrics;
    /** Whose place it is, at the beginning of a sentence. */
    readonly who: string;
    /** Where several share the places to wait. */
    readonly room?: HoldRoom;
    onBack?(): void;
  },
): Hold {
  const { log, metrics, room, who } = deps;
  const homeserver = connections.upstream.text;
  // From the start, so that the first one is seen as an increase.
  for (const outcome of ['released', 'expired', 'left', 'refused'])
    metrics.counter('requestsHeldTotal', { homeserver, outcome });
  return createHold(
    { most: MOST_WAITING, forServers: FOR_SERVERS, ...(room === undefined ? {} : { room }) },
    {
      system: deps.system,
      probe: () => connections.probe(),
      onOutcome: (outcome) => metrics.counter('requestsHeldTotal', { homeserver, outcome }).add(),
      onAway: (why) => log.warn({ homeserver }, `${why} Requests wait for it.`),
      onBack({ away, saved, expired }) {
        log.info(
          { homeserver, away_ms: Math.round(away), saved, expired },
          `${who} at ${homeserver} is back after ${(away / 1000).toFixed(1)} s: ${count(saved)} waited for it, ${count(expired)} in vain.`,
        );
        deps.onBack?.();
      },
    },
  );
}

function count(requests: number): string {
  return requests === 1 ? '1 request' : `${requests} requests`;
}
