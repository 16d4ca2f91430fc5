import type { UpstreamPool } from '../base/address.ts';
import type { Log } from '../base/log.ts';
import type { System } from '../base/system.ts';
import { createNames, type Names } from '../forward/names.ts';
import { createUpstreamConnections, type UpstreamConnections } from '../forward/upstream-connections.ts';
import type { Metrics } from '../observe/metrics.ts';

/** The connections to one upstream. What becomes of its instances is logged and counted, where it has several. */
export function connectUpstream(
  upstream: UpstreamPool,
  deps: {
    readonly system: System;
    readonly log: Log;
    readonly metrics: Metrics;
    readonly names: Names;
    readonly onExhausted?: () => void;
    /** Others stand in for it. */
    readonly replaceable?: boolean;
    /** It takes no requests, and is looked after only. */
    readonly idle?: boolean;
  },
): UpstreamConnections {
  const { log, metrics, idle = false } = deps;
  const without = idle ? 'is looked after until it is well' : 'gets no requests until it is well';
  const again = idle ? '' : ' and gets requests again, few at first';
  return createUpstreamConnections(upstream, {
    ...deps,
    onEjected({ instance, here, of, why }) {
      metrics.counter('upstreamEjections', { upstream: upstream.text }).add();
      log.warn(
        { id: 'upstream-instance-ejected', upstream: upstream.text, instance },
        `${why} ${instance} ${without}; ${here} of ${of} instances are left.`,
      );
    },
    onReturned({ instance, here, of, away }) {
      log.info(
        { upstream: upstream.text, instance, away_ms: Math.round(away) },
        `${instance} is back after ${(away / 1000).toFixed(1)} s${again}; ${here} of ${of} instances are here.`,
      );
    },
  });
}

/** What the names of upstreams lead to, with a line in the log when one stops resolving. */
export function resolveUpstreams(deps: { readonly system: System; readonly log: Log }): Names {
  const { system, log } = deps;
  return createNames({
    system,
    onFailing(host, why, addresses) {
      const last = addresses.map(({ address }) => address).join(', ');
      log.warn(
        { id: 'upstream-name-failing', host },
        `The name ${host} does not resolve any more (${why}). New connections go to where it led last (${last}), for up to five minutes and as long as somebody answers there.`,
      );
    },
    onBack: (host, failed) =>
      log.info(
        { host, failed_ms: Math.round(failed) },
        `The name ${host} resolves again, after ${(failed / 1000).toFixed(1)} s.`,
      ),
  });
}
