import type { UpstreamPool } from '../base/address.ts';
import type { System } from '../base/system.ts';
import type { HoldStatus } from '../forward/hold.ts';
import type { Metrics } from '../observe/metrics.ts';
import { describeInstances } from './describe-instances.ts';
import { listUpstreams, type Runtime } from './runtime.ts';

/** Shows in the metrics how the homeservers are and what waits for them. */
export function exposeTraffic(metrics: Metrics, runtime: () => Runtime, system: System): void {
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
  metrics.gauge('upstreamInstances', () =>
    listUpstreams(runtime().config).flatMap((upstream) => {
      const { connectionsTo, holdOf } = runtime();
      const clocks = { now: system.now(), monotonic: system.monotonic() };
      const states = describeInstances(connectionsTo(upstream).instances, holdOf(upstream)?.status, clocks);
      return (['here', 'warming', 'ejected'] as const).map((state) => ({
        labels: { upstream: upstream.text, state },
        value: states.filter((one) => one.state === state).length,
      }));
    }),
  );
  metrics.gauge('upstreamInFlight', () =>
    listUpstreams(runtime().config).map((upstream) => ({
      labels: { upstream: upstream.text },
      value: runtime()
        .connectionsTo(upstream)
        .instances.reduce((sum, { inFlight }) => sum + inFlight, 0),
    })),
  );
  metrics.gauge('requestsQueued', () => {
    const { origins, servers } = runtime().admissions;
    return [{ labels: { party: 'server' }, value: origins.status.waiting + servers.status.waiting }];
  });
}

/** How it stands with each homeserver, each once. */
export function listHolds(
  runtime: Runtime,
): readonly { readonly upstream: UpstreamPool; readonly status: HoldStatus }[] {
  const homeservers = new Map(runtime.config.servers.map(({ homeserver }) => [homeserver.text, homeserver]));
  return [...homeservers.values()].flatMap((upstream) => {
    const hold = runtime.holdOf(upstream);
    return hold === undefined ? [] : [{ upstream, status: hold.status }];
  });
}
