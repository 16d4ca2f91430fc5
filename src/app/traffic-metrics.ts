import type { System } from '../base/system.ts';
import type { HoldStatus } from '../forward/hold.ts';
import type { Instance } from '../forward/instance.ts';
import type { Metrics } from '../observe/metrics.ts';
import { describeInstances } from './describe-instances.ts';
import { listUpstreams, type Runtime } from './runtime.ts';

/** Shows in the metrics how the homeservers are and what waits for them. */
export function exposeTraffic(metrics: Metrics, runtime: () => Runtime, system: System): void {
  const each = (value: (status: HoldStatus) => number) => () =>
    listHolds(runtime()).map(({ text, status }) => ({
      labels: { homeserver: text },
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
    listConnections(runtime()).flatMap(({ text, instances, hold }) => {
      const clocks = { now: system.now(), monotonic: system.monotonic() };
      const states = describeInstances(instances, hold, clocks);
      return (['here', 'warming', 'ejected'] as const).map((state) => ({
        labels: { upstream: text, state },
        value: states.filter((one) => one.state === state).length,
      }));
    }),
  );
  metrics.gauge('upstreamInstanceUp', () =>
    listConnections(runtime()).flatMap(({ text, instances, hold }) => {
      const clocks = { now: system.now(), monotonic: system.monotonic() };
      const states = describeInstances(instances, hold, clocks);
      const each = instances.map((one, index) => ({ text: one.text, up: states[index]!.state === 'ejected' ? 0 : 1 }));
      return onlyFirst(each).map((one) => ({ labels: { upstream: text, place: one.text }, value: one.up }));
    }),
  );
  metrics.gauge('upstreamInFlight', () =>
    listConnections(runtime()).map(({ text, instances }) => ({
      labels: { upstream: text },
      value: instances.reduce((sum, { inFlight }) => sum + inFlight, 0),
    })),
  );
  metrics.gauge('requestsQueued', () => {
    const { origins, servers } = runtime().admissions;
    return [{ labels: { party: 'server' }, value: origins.status.waiting + servers.status.waiting }];
  });
}

interface Connections {
  readonly text: string;
  readonly instances: readonly Instance[];
  readonly hold: HoldStatus | undefined;
}

/** Those to every upstream and every pool of workers; of those with the same places, the first. */
function listConnections({ config, connectionsTo, holdOf, workers }: Runtime): readonly Connections[] {
  const plain = listUpstreams(config).map((upstream) => {
    const { instances } = connectionsTo(upstream);
    return { text: upstream.text, instances, hold: holdOf(upstream)?.status };
  });
  const pools = workers.list().map(({ connections: { upstream, instances } }) => {
    return { text: upstream.text, instances, hold: undefined };
  });
  return onlyFirst([...plain, ...pools]);
}

/** How it stands with each homeserver, each service beside one, and each way to workers; each once. */
function listHolds(runtime: Runtime): readonly { readonly text: string; readonly status: HoldStatus }[] {
  const upstreams = listUpstreams(runtime.config).flatMap((upstream) => {
    const hold = runtime.holdOf(upstream);
    return hold === undefined ? [] : [{ text: upstream.text, status: hold.status }];
  });
  const ways = runtime.workers.listWays().map(({ connections, hold }) => {
    return { text: connections.upstream.text, status: hold.status };
  });
  return onlyFirst([...upstreams, ...ways]);
}

/** Prometheus takes no two samples with the same labels. */
function onlyFirst<T extends { readonly text: string }>(all: readonly T[]): readonly T[] {
  return [...new Map(all.toReversed().map((one) => [one.text, one])).values()].toReversed();
}
