import type { Upstream } from '../base/address.ts';
import type { HoldStatus } from '../forward/hold.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Runtime } from './runtime.ts';

/** Shows in the metrics how the homeservers are and what waits for them. */
export function exposeTraffic(metrics: Metrics, runtime: () => Runtime): void {
  const each = (value: (status: HoldStatus) => number) => () =>
    listHolds(runtime()).map(({ upstream, status }) => ({
      labels: { homeserver: upstream.text },
      value: value(status),
    }));
  metrics.gauge(
    'homeserverAway',
    each(({ awaySince }) => (awaySince === undefined ? 0 : 1)),
  );
  metrics.gauge(
    'requestsHeld',
    each(({ waiting }) => waiting),
  );
  metrics.gauge('requestsQueued', () => [
    { labels: { party: 'server' }, value: runtime().admissions.servers.status.waiting },
  ]);
}

/** How it stands with each homeserver, each once. */
export function listHolds(runtime: Runtime): readonly { readonly upstream: Upstream; readonly status: HoldStatus }[] {
  const homeservers = new Map(runtime.config.servers.map(({ homeserver }) => [homeserver.text, homeserver]));
  return [...homeservers.values()].flatMap((upstream) => {
    const hold = runtime.holdOf(upstream);
    return hold === undefined ? [] : [{ upstream, status: hold.status }];
  });
}
