import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { type CidrSet, plainAddress } from '../base/cidr.ts';
import type { ConnectionFacts } from '../base/connection.ts';
import { describeError, errorCode } from '../base/errors.ts';
import { networkOf } from '../base/network-of.ts';
import { rawSocketOf } from '../base/raw-socket.ts';
import type { System, Timer } from '../base/system.ts';
import type { CertificateSet } from '../tls/certificate-set.ts';
import type { TicketKeys } from '../tls/ticket-keys.ts';
import { tlsOptions } from '../tls/tls-options.ts';
import { type ChallengeContexts, createChallengeServer } from './challenge-server.ts';
import type { ConnectionLimits, Seat } from './connection-limits.ts';
import { findHandshakeCause, type HandshakeCause, type HandshakeKind } from './handshake-outcome.ts';
import type { HandshakeTurns } from './handshake-turns.ts';
import { peekClientHello } from './peek-client-hello.ts';
import { plainHttpAnswer } from './plain-http-answer.ts';
import type { ProxiedAddress } from './proxy-protocol.ts';
import { readProxyHeader } from './read-proxy-header.ts';

export interface TlsListenerSlice {
  readonly listener: 'https' | 'federation';
  /** Milliseconds for PROXY header and TLS handshake together. */
  handshakeTimeout(): number;
  /** Asked for every connection, so that a reload changes it. */
  proxyProtocolFrom(): CidrSet;
}

export interface TlsListenerDeps {
  readonly system: System;
  readonly certificates: CertificateSet;
  readonly ticketKeys: TicketKeys;
  /** Answers to tls-alpn-01 challenges. */
  readonly challenge?: ChallengeContexts | undefined;
  readonly turns: HandshakeTurns;
  /** Where connections are counted. */
  readonly limits?: Pick<ConnectionLimits, 'enter'> | undefined;
  /** A connection whose handshake is done and that speaks HTTP/1.1. */
  onHttp1(socket: TLSSocket, facts: ConnectionFacts): void;
  /** The same for HTTP/2. */
  onHttp2(socket: TLSSocket, facts: ConnectionFacts): void;
  onHandshake?(kind: HandshakeKind): void;
  /** The end of a connection that did not get there, once; those that a limit closes are none. */
  onNoHandshake?(cause: HandshakeCause): void;
  /** A connection that never got that far, and why. */
  onRefused(peerAddress: string | undefined, why: string): void;
}

/** One way in for TLS connections, any number of bound addresses. */
export interface TlsListener {
  /** A new server for one more address; bind and close it as any other. */
  createServer(): Server;
  /** New certificates for new connections; live ones keep theirs. */
  setCertificates(certificates: CertificateSet): void;
  close(): void;
}

/** A connection on its way to the end of its handshake. */
interface Arrival {
  readonly timer: Timer;
  readonly seat: Seat | undefined;
  source: ProxiedAddress | undefined;
  over: boolean;
}

/** With fewer handshakes under way, none has to wait for its turn: together they take less than a blink. */
const FEW = 8;

/** The same for all listeners and processes, so that a session of one resumes at another. */
const SESSION_ID_CONTEXT = 'matrix-sidecar';

/**
 * Takes a connection from accept to "ready for requests": PROXY header (from configured peers only), TLS handshake
 * with the certificate that SNI asks for, protocol by ALPN. One deadline covers all of it.
 */
export function createTlsListener(slice: TlsListenerSlice, deps: TlsListenerDeps): TlsListener {
  const { system, challenge, limits, turns } = deps;
  let certificates = deps.certificates;
  let underWay = 0;
  const arrivals = new WeakMap<Socket, Arrival>();

  const tlsServer = createTlsServer({
    ...tlsOptions,
    ...pemOf(certificates),
    ALPNProtocols: ['h2', 'http/1.1'],
    SNICallback: (name, done) => done(null, certificates.choose(name).context),
    ticketKeys: deps.ticketKeys.current(),
    sessionIdContext: SESSION_ID_CONTEXT,
  });
  const stopRotation = deps.ticketKeys.onRotate((keys) => tlsServer.setTicketKeys(keys));

  tlsServer.on('secureConnection', (socket) => {
    const arrival = takeArrival(rawSocketOf(socket));
    const facts = arrival === undefined ? undefined : describeConnection(slice.listener, socket, arrival.source);
    // Either is missing only when the peer left in this very moment.
    if (facts === undefined) return void socket.destroy();
    arrival?.seat?.settle(facts);
    deps.onHandshake?.(socket.isSessionReused() ? 'resumed' : 'full');
    if (socket.alpnProtocol === 'h2') deps.onHttp2(socket, facts);
    else deps.onHttp1(socket, facts);
  });

  const challengeServer =
    challenge === undefined ? undefined : createChallengeServer({ challenge, onServed, onFailed: refuse });

  tlsServer.on('tlsClientError', refuse);

  function onServed(raw: Socket | undefined): void {
    takeArrival(raw);
    deps.onHandshake?.('challenge');
  }

  function miss(raw: Socket | undefined, cause: HandshakeCause): void {
    if (takeArrival(raw, true) !== undefined) deps.onNoHandshake?.(cause);
  }

  function refuse(error: Error, socket: TLSSocket): void {
    const raw = rawSocketOf(socket);
    miss(raw, findHandshakeCause(error));
    deps.onRefused(raw?.remoteAddress, `TLS handshake failed: ${describeError(error)}`);
    // Someone spoke plain HTTP to this port. The TLS layer has given up, the connection below can still answer.
    if (errorCode(error) === 'ERR_SSL_HTTP_REQUEST' && raw?.writable === true)
      raw.end(plainHttpAnswer(system.now()), () => raw.destroy());
    else raw?.destroy();
    socket.destroy();
  }

  /** `first`: only if it was not over. */
  function takeArrival(raw: Socket | undefined, first = false): Arrival | undefined {
    const arrival = raw === undefined ? undefined : arrivals.get(raw);
    if (first && arrival?.over === true) return undefined;
    if (arrival?.over === false) {
      arrival.over = true;
      underWay--;
    }
    arrival?.timer.cancel();
    return arrival;
  }

  function startTls(raw: Socket, client: string): void {
    const network = networkOf(client);
    if (underWay <= FEW && challenge?.pending() !== true && turns.isFree(network))
      return void tlsServer.emit('connection', raw);
    // What has said nothing yet, or half of it, costs no TLS.
    peekClientHello(raw, (outcome) => {
      if (!outcome.ok) {
        miss(raw, 'not-tls');
        deps.onRefused(raw.remoteAddress, outcome.why);
        raw.destroy();
        return;
      }
      // As after a PROXY header: the stream must have settled before the next one reads from it.
      turns.enter(network, () => {
        if (raw.destroyed) return;
        const { hello } = outcome;
        if (challenge?.pending() === true && hello !== undefined && challengeServer?.take(raw, hello) === true) return;
        tlsServer.emit('connection', raw);
      });
    });
  }

  function accept(raw: Socket): void {
    raw.on('error', ignore);
    const seat = limits?.enter(raw);
    if (raw.destroyed) return;
    const deadline = slice.handshakeTimeout();
    // From here to the end of the handshake; Node's own limit of 120 s never comes into play.
    const timer = system.setTimer(deadline, () => {
      miss(raw, 'timeout');
      deps.onRefused(raw.remoteAddress, `no TLS handshake within ${deadline} ms`);
      raw.destroy();
    });
    const arrival: Arrival = { timer, seat, source: undefined, over: false };
    arrivals.set(raw, arrival);
    underWay++;
    raw.once('close', () => miss(raw, 'left'));
    const peer = raw.remoteAddress;
    if (peer === undefined) return void raw.destroy();
    if (!slice.proxyProtocolFrom().contains(peer)) {
      if (seat?.identify(peer) === false) takeArrival(raw);
      else startTls(raw, peer);
      return;
    }
    readProxyHeader(raw, (outcome) => {
      if (!outcome.ok) {
        miss(raw, 'proxy-header');
        deps.onRefused(peer, outcome.why);
        raw.destroy();
        return;
      }
      const client = outcome.source?.address ?? peer;
      if (seat?.identify(client) === false) return void takeArrival(raw);
      arrival.source = outcome.source;
      // The stream settles its reading state in the next tick after our reader is off it.
      setImmediate(() => startTls(raw, client));
    });
  }

  return {
    createServer: () => createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 }, accept),
    setCertificates(next) {
      certificates = next;
      // All options again: those left out would fall back to Node's defaults, the ticket keys to random ones.
      tlsServer.setSecureContext({
        ...tlsOptions,
        ...pemOf(next),
        sessionIdContext: SESSION_ID_CONTEXT,
        ticketKeys: deps.ticketKeys.current(),
      });
    },
    close: () => stopRotation(),
  };
}

function ignore(): void {}

/** The certificate for clients that name no server: peers that reach an IP literal, and those from before SNI. */
function pemOf(certificates: CertificateSet): { readonly cert: string; readonly key: string } {
  const { certificate } = certificates.choose(undefined);
  return { cert: certificate.chainPem, key: certificate.keyPem };
}

function describeConnection(
  listener: 'https' | 'federation',
  socket: TLSSocket,
  source: ProxiedAddress | undefined,
): ConnectionFacts | undefined {
  const address = source?.address ?? socket.remoteAddress;
  if (address === undefined) return undefined;
  const name = (socket as { readonly servername?: string | false | null }).servername;
  return {
    listener,
    peerAddress: plainAddress(address),
    peerPort: source?.port ?? socket.remotePort ?? 0,
    serverName: typeof name === 'string' ? name.toLowerCase() : undefined,
    tlsVersion: socket.getProtocol() ?? undefined,
  };
}
