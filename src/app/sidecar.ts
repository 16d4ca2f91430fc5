import type { Server } from 'node:net';
import type { Duplex } from 'node:stream';
import { answerAdmin } from '../admin/admin-route.ts';
import type { Status } from '../admin/status.ts';
import type { ListenerName } from '../base/connection.ts';
import type { Log } from '../base/log.ts';
import type { System } from '../base/system.ts';
import type { Config } from '../config/config.ts';
import type { Exchange } from '../forward/exchange.ts';
import { Http1Exchange } from '../forward/http1-exchange.ts';
import { Http2Exchange, readHttp2Head } from '../forward/http2-exchange.ts';
import { createUpgrader } from '../forward/upgrade.ts';
import { createPlainServer } from '../listen/plain-listener.ts';
import { createTlsListener, type TlsListener } from '../listen/tls-listener.ts';
import { findPathEnd } from '../route/request-target.ts';
import { createTicketKeys } from '../tls/ticket-keys.ts';
import { type BoundAddresses, createBoundListeners } from './bound-listeners.ts';
import { createConnectionHandlers } from './connection-handlers.ts';
import { describeStatus } from './describe-status.ts';
import { handleRequest } from './handle-request.ts';
import { handleUpgrade } from './handle-upgrade.ts';
import { createInFlight } from './in-flight.ts';
import { type OpenCertificates, openCertificates } from './open-certificates.ts';
import { answerJson, answerText } from './own-answers.ts';
import { createReadiness } from './readiness.ts';
import { createRequestIds } from './request-ids.ts';
import { createRuntime, listUpstreams } from './runtime.ts';

/** New session ticket keys twice a day: a stolen key opens half a day of recorded TLS 1.2 sessions at most. */
const TICKET_KEYS_LIVE = 12 * 3_600_000;

export interface SidecarDeps {
  readonly system: System;
  readonly log: Log;
}

/** A running sidecar. */
export interface Sidecar {
  addresses(): BoundAddresses;
  status(): Status;
  /**
   * Puts a new configuration in force without touching open connections. Rejects, and changes nothing, when a
   * certificate cannot be used or an address cannot be bound.
   */
  reload(config: Config): Promise<void>;
  /** Stops accepting, lets what runs finish up to `limits.drain`, then closes. Resolves when nothing is left. */
  drain(): Promise<void>;
  /** Closes everything now. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts a sidecar: certificates, listeners, forwarding, admin.
 * @throws SidecarError when a certificate cannot be used or an address cannot be bound; nothing is left running then.
 */
export async function startSidecar(config: Config, deps: SidecarDeps): Promise<Sidecar> {
  const { system, log } = deps;
  const startedAt = system.monotonic();
  let runtime = createRuntime(config, system);
  let certificates = await openCertificates(config, deps);
  let draining = false;
  let closed = false;

  const ticketKeys = createTicketKeys({ rotateEvery: TICKET_KEYS_LIVE }, { system });
  const upgrader = createUpgrader();
  const inFlight = createInFlight();
  const nextRequestId = createRequestIds(system);
  const requestDeps = { system, log, nextRequestId, challengeAnswer: () => undefined };
  const readiness = createReadiness({ system, runtime: () => runtime, certificates: () => certificates.all() });
  const status = (): Status =>
    describeStatus({
      runtime,
      certificates: certificates.all(),
      addresses: bound.addresses(),
      now: system.now(),
      uptime: system.monotonic() - startedAt,
      draining,
      inFlight: inFlight.count,
    });

  function onExchange(exchange: Exchange): void {
    inFlight.enter();
    exchange.onClosed(inFlight.leave);
    if (exchange.facts.listener === 'admin') void onAdmin(exchange);
    else handleRequest(exchange, runtime, requestDeps);
  }

  async function onAdmin(exchange: Exchange): Promise<void> {
    const path = exchange.target.slice(0, findPathEnd(exchange.target));
    const answer = await answerAdmin(exchange.method, path, { status, readiness });
    if (answer.type === 'json') answerJson(exchange, answer.status, answer.body);
    else answerText(exchange, answer.status, String(answer.body));
  }

  const onRefused = (peerAddress: string | undefined, why: string): void =>
    log.debug({ client: peerAddress }, `Connection refused: ${why}`);
  const handlers = createConnectionHandlers(config.limits, {
    http1: {
      system,
      onRequest: (request, response, facts, expectsContinue) =>
        onExchange(
          new Http1Exchange(request, response, { facts, system, expectsContinue, isDraining: () => draining }),
        ),
      onUpgrade: (request, socket: Duplex, head, facts) =>
        handleUpgrade(request, socket, head, facts, runtime, { ...requestDeps, upgrader }),
      onBroken: (facts, why) => onRefused(facts?.peerAddress, why),
    },
    http2: {
      onStream: (stream, headers, endStream, facts) =>
        onExchange(new Http2Exchange(stream, readHttp2Head(headers), endStream, facts)),
      onBroken: (facts, why) => onRefused(facts.peerAddress, why),
    },
  });

  const createTls = (listener: 'https' | 'federation'): TlsListener =>
    createTlsListener(
      {
        listener,
        handshakeTimeout: () => runtime.config.limits.handshake,
        proxyProtocolFrom: () => runtime.config.listen.proxyProtocolFrom,
      },
      {
        system,
        certificates: certificates.setFor(listener),
        ticketKeys,
        onHttp1: handlers.onHttp1,
        onHttp2: handlers.onHttp2,
        onRefused,
      },
    );
  const tls = { https: createTls('https'), federation: createTls('federation') };
  const onListenerError = (listener: ListenerName, error: Error): void =>
    log.error({ listener, err: error }, 'A connection could not be accepted.');
  const bound = createBoundListeners((listener: ListenerName): Server => {
    if (listener === 'https' || listener === 'federation') return tls[listener].createServer();
    return createPlainServer(
      {
        listener,
        handshakeTimeout: () => runtime.config.limits.handshake,
        proxyProtocolFrom: () => runtime.config.listen.proxyProtocolFrom,
      },
      { system, onHttp1: handlers.onHttp1, onRefused },
    );
  }, onListenerError);

  function watch(source: OpenCertificates): void {
    source.onChange(() => {
      tls.https.setCertificates(source.setFor('https'));
      tls.federation.setCertificates(source.setFor('federation'));
    });
  }
  watch(certificates);

  async function close(): Promise<void> {
    if (closed) return;
    closed = true;
    bound.close();
    upgrader.close();
    handlers.close();
    tls.https.close();
    tls.federation.close();
    ticketKeys.close();
    await certificates.close();
    for (const upstream of listUpstreams(runtime.config)) runtime.connectionsTo(upstream).close();
  }

  try {
    await bound.apply(config.listen);
  } catch (error) {
    await close();
    throw error;
  }

  return {
    addresses: () => bound.addresses(),
    status,
    async reload(next) {
      const nextCertificates = await openCertificates(next, deps);
      const previous = { runtime, certificates };
      const nextRuntime = createRuntime(next, system, runtime);
      try {
        // First the fallible part: binding. Until it is through, the old configuration is in force as a whole.
        await bound.apply(next.listen);
      } catch (error) {
        await nextCertificates.close();
        throw error;
      }
      runtime = nextRuntime;
      certificates = nextCertificates;
      handlers.setLimits(next.limits);
      tls.https.setCertificates(certificates.setFor('https'));
      tls.federation.setCertificates(certificates.setFor('federation'));
      watch(certificates);
      await previous.certificates.close();
      const kept = new Set(listUpstreams(next).map((upstream) => upstream.text));
      for (const upstream of listUpstreams(previous.runtime.config)) {
        if (!kept.has(upstream.text)) previous.runtime.connectionsTo(upstream).close();
      }
    },
    async drain() {
      if (draining || closed) return close();
      draining = true;
      bound.close();
      handlers.drain();
      await inFlight.empty(runtime.config.limits.drain, system);
      await close();
    },
    close,
  };
}
