import type { AdminSources } from '../admin/admin-route.ts';
import { createStatusPage } from '../admin/status-page.ts';
import type { ConnectionFacts } from '../base/connection.ts';
import type { Log } from '../base/log.ts';
import type { System } from '../base/system.ts';
import type { Config } from '../config/config.ts';
import type { Exchange } from '../forward/exchange.ts';
import { Http1Exchange } from '../forward/http1-exchange.ts';
import { Http2Exchange, readHttp2Head } from '../forward/http2-exchange.ts';
import { createUnreadAnswers } from '../forward/unread-answers.ts';
import { createUpgrader } from '../forward/upgrade.ts';
import type { ConnectionLimits } from '../listen/connection-limits.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { Store } from '../store/store.ts';
import { type AdminDeps, answerAdminRequest } from './answer-admin-request.ts';
import type { RequestDeps } from './attempt.ts';
import { type ConnectionHandlers, createConnectionHandlers } from './connection-handlers.ts';
import { createFederationTester } from './federation-tester.ts';
import { handleRequest } from './handle-request.ts';
import { handleUpgrade } from './handle-upgrade.ts';
import { createInFlight } from './in-flight.ts';
import { createOwnAnswers } from './own-answers.ts';
import { createRequestIds } from './request-ids.ts';
import type { Runtime } from './runtime.ts';
import { createRequestTally } from './tally-requests.ts';

export interface TrafficDeps {
  readonly metrics: Metrics;
  /** What the admin listener has to tell. */
  readonly admin: AdminSources;
  readonly system: System;
  readonly log: Log;
  /** Is told of each request, by the facts of its connection. */
  readonly limits: Pick<ConnectionLimits, 'begin'>;
  /** A connection was ended because of a flood on it. */
  onFlood(facts: ConnectionFacts): void;
  /** What is in force. */
  runtime(): Runtime;
  isStopping(): boolean;
  /** To an ACME http-01 challenge. */
  challengeAnswer(token: string): Promise<string | undefined>;
  /** To `doctor`. */
  probeProof(token: string): Promise<string | undefined>;
  /** Of the configuration in force. */
  store(): Store;
}

/** Everything that happens on connections that are ready for requests. */
export interface Traffic {
  readonly connections: ConnectionHandlers;
  /** Requests under way, those of the admin listener included. */
  readonly inFlight: number;
  /** Resolves when no request is under way, or after `most` milliseconds. */
  finished(most: number): Promise<void>;
  onRefused(peerAddress: string | undefined, why: string): void;
  /** Cuts everything. Idempotent. */
  close(): void;
}

export function createTraffic(limits: Config['limits'], deps: TrafficDeps): Traffic {
  const { system, log } = deps;
  const upgrader = createUpgrader();
  const inFlight = createInFlight();
  const answers = createOwnAnswers({ system });
  const config = (): Config => deps.runtime().config;
  const tester = createFederationTester({ system, log, answers, config, store: deps.store });
  const { metrics } = deps;
  const tally = createRequestTally({ metrics, system });
  const requestDeps: RequestDeps = {
    ...{ system, log, answers, metrics, tally },
    runtime: deps.runtime,
    nextRequestId: createRequestIds(system),
    challengeAnswer: deps.challengeAnswer,
    probeProof: deps.probeProof,
    tester,
    unread: createUnreadAnswers({ onCut: (why) => metrics.counter('answersCut', { why }).add() }),
  };
  const page = createStatusPage({ system, status: () => deps.admin.status() });
  const adminDeps: AdminDeps = { log, answers, tester, ...deps.admin, page };

  function onExchange(exchange: Exchange): void {
    inFlight.enter();
    exchange.onClosed(inFlight.leave);
    exchange.onClosed(deps.limits.begin(exchange.facts));
    if (exchange.facts.listener === 'admin') answerAdmin(exchange);
    else handleRequest(exchange, deps.runtime(), requestDeps);
  }

  function answerAdmin(exchange: Exchange): void {
    const began = tally.now();
    exchange.onClosed(() => tally.of('admin').count(exchange.status, began));
    void answerAdminRequest(exchange, adminDeps);
  }

  const onRefused = (peerAddress: string | undefined, why: string): void =>
    log.debug({ client: peerAddress }, `Connection refused: ${why}`);

  const connections = createConnectionHandlers(limits, {
    http1: {
      system,
      onRequest: (request, response, facts, expectsContinue) =>
        onExchange(
          new Http1Exchange(request, response, { facts, system, expectsContinue, isDraining: deps.isStopping }),
        ),
      onUpgrade(request, socket, head, facts) {
        // For good: what it becomes is over when its connection is.
        deps.limits.begin(facts);
        handleUpgrade({ request, socket, head, connection: facts }, deps.runtime(), { ...requestDeps, upgrader });
      },
      onBroken: (facts, why) => onRefused(facts?.peerAddress, why),
      onFlood: deps.onFlood,
    },
    http2: {
      onStream: (stream, headers, endStream, facts) =>
        onExchange(new Http2Exchange(stream, readHttp2Head(headers), endStream, facts)),
      onBroken: (facts, why) => onRefused(facts.peerAddress, why),
      onFlood: deps.onFlood,
    },
  });

  return {
    connections,
    get inFlight() {
      return inFlight.count;
    },
    finished: (most) => inFlight.empty(most, system),
    onRefused,
    close() {
      tester.close();
      upgrader.close();
      connections.close();
    },
  };
}
