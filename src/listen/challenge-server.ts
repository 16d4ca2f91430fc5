import type { Socket } from 'node:net';
import { createServer, type SecureContext, type TLSSocket } from 'node:tls';
import { rawSocketOf } from '../base/raw-socket.ts';
import { tlsOptions } from '../tls/tls-options.ts';
import type { ClientHello } from './client-hello.ts';

/** Who knows the certificates that answer tls-alpn-01 challenges (RFC 8737). */
export interface ChallengeContexts {
  /** Whether any challenge is under way. Asked for every connection, so it must cost nothing. */
  pending(): boolean;
  /** The context for a server name, in lower case; undefined when no challenge for it is under way. */
  contextFor(serverName: string): SecureContext | undefined;
}

export interface ChallengeServerDeps {
  readonly challenge: ChallengeContexts;
  /** The handshake is done, and what the CA came for is seen. */
  onServed(raw: Socket | undefined): void;
  onFailed(error: Error, socket: TLSSocket): void;
}

export interface ChallengeServer {
  /**
   * Serves the connection if it is a CA's, come to look at a challenge that is under way; false when it is not. It
   * must not have been read from, or have been given back what was.
   */
  take(raw: Socket, hello: ClientHello): boolean;
}

const PROTOCOL = 'acme-tls/1';

/**
 * A TLS server of its own for the validations of tls-alpn-01. The certificates there have keys of another type than
 * the listener's may have, and only a server's own options decide on protocol and cipher suites.
 */
export function createChallengeServer(deps: ChallengeServerDeps): ChallengeServer {
  const { challenge } = deps;
  const server = createServer({
    ...tlsOptions,
    ALPNProtocols: [PROTOCOL],
    SNICallback: (name, done) => done(null, challenge.contextFor(name.toLowerCase())),
    sessionIdContext: 'matrix-sidecar acme-tls/1',
  });
  server.on('secureConnection', (socket) => {
    deps.onServed(rawSocketOf(socket));
    socket.on('error', () => {});
    // RFC 8737 section 3: no application data; once the handshake is complete the connection is of no more use.
    socket.end(() => socket.destroy());
  });
  server.on('tlsClientError', deps.onFailed);

  return {
    take(raw, hello) {
      if (hello.alpn.length !== 1 || hello.alpn[0] !== PROTOCOL || hello.serverName === undefined) return false;
      if (challenge.contextFor(hello.serverName) === undefined) return false;
      server.emit('connection', raw);
      return true;
    },
  };
}
