import type { Server, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { createCidrSet } from '../base/cidr.ts';
import type { ConnectionFacts, ListenerName } from '../base/connection.ts';
import { isOutOfDescriptors } from '../base/descriptors.ts';
import type { Log } from '../base/log.ts';
import type { System } from '../base/system.ts';
import type { Config } from '../config/config.ts';
import type { ChallengeContexts } from '../listen/challenge-server.ts';
import type { HandshakeTurns } from '../listen/handshake-turns.ts';
import { createPlainServer } from '../listen/plain-listener.ts';
import { createTlsListener, type TlsListener } from '../listen/tls-listener.ts';
import type { Metrics } from '../observe/metrics.ts';
import { createTicketKeys, TICKET_KEY_LIFETIME } from '../tls/ticket-keys.ts';
import { type BoundListeners, createBoundListeners } from './bound-listeners.ts';
import type { CountedConnections } from './count-connections.ts';
import type { OpenCertificates } from './open-certificates.ts';

export interface EntrancesDeps {
  readonly system: System;
  readonly log: Log;
  /** The configuration in force. */
  config(): Config;
  readonly certificates: OpenCertificates;
  /** Answers to tls-alpn-01 challenges, of the certificates in force. */
  readonly challenge: ChallengeContexts;
  /** Where connections are counted, those of the admin listener apart. */
  readonly limits: Pick<CountedConnections, 'enter' | 'onExhausted'>;
  readonly turns: HandshakeTurns;
  readonly metrics: Metrics;
  onHttp1(socket: Socket, facts: ConnectionFacts): void;
  onHttp2(socket: TLSSocket, facts: ConnectionFacts): void;
  onRefused(peerAddress: string | undefined, why: string): void;
}

/** All ways in: what is bound, and what becomes of a connection until it is ready for requests. */
export interface Entrances extends BoundListeners {
  /** From now on, new connections get these certificates, and what becomes of them as they change. */
  useCertificates(certificates: OpenCertificates): void;
  /** At once; resolves when nothing is written to the store any more. */
  close(): Promise<void>;
}

const NOBODY = createCidrSet([]);

export function createEntrances(deps: EntrancesDeps): Entrances {
  const { system, log, onHttp1, onHttp2, onRefused, config } = deps;
  const ticketKeys = createTicketKeys({ rotateEvery: TICKET_KEY_LIFETIME }, { system, log });
  const handshakeTimeout = (): number => config().limits.handshake;
  const proxyProtocolFrom = () => config().listen.proxyProtocolFrom;

  const createTls = (listener: 'https' | 'federation'): TlsListener =>
    createTlsListener(
      { listener, handshakeTimeout, proxyProtocolFrom },
      {
        system,
        certificates: deps.certificates.setFor(listener),
        ticketKeys,
        challenge: deps.challenge,
        turns: deps.turns,
        limits: deps.limits,
        onHttp1,
        onHttp2,
        onRefused,
        onHandshake: (kind) => deps.metrics.counter('handshakes', { listener, kind }).add(),
        onNoHandshake: (cause) => deps.metrics.counter('handshakeFailures', { listener, cause }).add(),
      },
    );
  const tls = { https: createTls('https'), federation: createTls('federation') };

  function createServer(listener: ListenerName): Server {
    if (listener === 'https' || listener === 'federation') return tls[listener].createServer();
    return createPlainServer(
      {
        listener,
        handshakeTimeout,
        // The admin listener is asked by programs on this machine and beside it, not by way of a load balancer.
        proxyProtocolFrom: listener === 'admin' ? () => NOBODY : proxyProtocolFrom,
      },
      { system, onHttp1, onRefused, limits: listener === 'admin' ? undefined : deps.limits },
    );
  }

  function followCertificates(certificates: OpenCertificates): () => void {
    const put = (): void => {
      tls.https.setCertificates(certificates.setFor('https'));
      tls.federation.setCertificates(certificates.setFor('federation'));
    };
    certificates.onChange(put);
    return put;
  }

  const bound = createBoundListeners({
    system,
    createServer,
    onError(listener, err) {
      if (isOutOfDescriptors(err)) return deps.limits.onExhausted();
      log.error({ listener, err }, `The ${listener} listener has a problem: ${err.message}.`);
    },
  });
  followCertificates(deps.certificates);
  ticketKeys.shareThrough(deps.certificates.store);

  return {
    ...bound,
    useCertificates(certificates) {
      followCertificates(certificates)();
      ticketKeys.shareThrough(certificates.store);
    },
    async close() {
      bound.close();
      tls.https.close();
      tls.federation.close();
      await ticketKeys.close();
    },
  };
}
