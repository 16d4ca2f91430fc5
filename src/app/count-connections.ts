import type { Log } from '../base/log.ts';
import type { System } from '../base/system.ts';
import type { Config } from '../config/config.ts';
import { type ConnectionLimits, createConnectionLimits } from '../listen/connection-limits.ts';
import type { Metrics } from '../observe/metrics.ts';
import { decideConnectionBudget } from './connection-budget.ts';
import { createSeldomLog } from './seldom-log.ts';

export interface CountedConnections extends ConnectionLimits {
  /** There is no file descriptor left: says so, and closes idle connections, which gives some back. */
  onExhausted(): void;
  /** Warns where there is room for fewer connections than wanted, or for few. At the start and after each reload. */
  checkBudget(): void;
}

export interface CountConnectionsDeps {
  readonly system: System;
  readonly log: Log;
  readonly metrics: Metrics;
  /** The configuration in force. */
  config(): Config;
  /** The process's limit of file descriptors; undefined where it is not known. */
  readonly descriptors: number | undefined;
}

/** Idle connections that are closed when descriptors have run out. */
const SHED = 32;
/** Milliseconds until more are: many wait for one at once, and what was closed is given back a moment later. */
const SHED_AGAIN = 100;

const HINT =
  'Raise the limit: LimitNOFILE= in systemd, ulimits: { nofile: 65536 } in compose, ulimit -n in a shell; then limits.connections follows.';

/** The limits of connections of the configuration in force, with what becomes of them in metrics and log. */
export function countConnections(deps: CountConnectionsDeps): CountedConnections {
  const { config, metrics, log } = deps;
  const say = createSeldomLog(deps);
  const budget = () => decideConnectionBudget(config().limits.connections, deps.descriptors);
  let wanted = config().limits.connections;
  let { total } = budget();
  let shedAt = Number.NEGATIVE_INFINITY;

  function readTotal(): number {
    if (wanted !== config().limits.connections) {
      wanted = config().limits.connections;
      total = budget().total;
    }
    return total;
  }

  /** No one client can have all there are, where these are few. */
  const readPerClient = (): number => Math.min(config().limits.connectionsPerClient, Math.ceil(readTotal() / 2));

  const limits = createConnectionLimits(
    {
      total: readTotal,
      idle: () => config().limits.idleConnections,
      perClient: readPerClient,
      isProxy: (address) =>
        config().listen.proxyProtocolFrom.contains(address) || config().routes.trustedProxies.contains(address),
    },
    {
      onRefused(limit, network) {
        metrics.counter('connectionsRefused', { limit }).add();
        if (limit === 'total')
          say({ code: 'connections-full' }, `All ${total} connections have a request under way; new ones are closed.`);
        else {
          const sentence = `${network} has ${readPerClient()} connections open; more are closed.`;
          say({ code: 'connections-of-one-client', client: network }, sentence);
        }
      },
      onShed: (why) => metrics.counter('connectionsShed', { why }).add(),
    },
  );
  // From the start, so that the first one is seen as an increase.
  for (const limit of ['total', 'client']) metrics.counter('connectionsRefused', { limit });
  metrics.gauge('connections', () => {
    const { open, idle } = limits.status;
    return [
      { labels: { state: 'active' }, value: open - idle },
      { labels: { state: 'idle' }, value: idle },
    ];
  });

  return {
    ...limits,
    get status() {
      return limits.status;
    },
    onExhausted() {
      say({ code: 'descriptors-exhausted', hint: HINT }, 'No file descriptor is left; idle connections are closed.');
      const now = deps.system.monotonic();
      if (now - shedAt < SHED_AGAIN) return;
      shedAt = now;
      limits.shed(SHED);
    },
    checkBudget() {
      const { warning } = budget();
      if (warning !== undefined) log.warn({ code: 'descriptors-few', hint: HINT }, warning);
    },
  };
}
