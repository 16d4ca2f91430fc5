import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectionFacts } from '../base/connection.ts';
import { describeError, errorCode } from '../base/errors.ts';
import type { System } from '../base/system.ts';
import { rawAnswer } from './plain-http-answer.ts';

/** Bytes of request line and headers together; more gives 431. Twice Node's default, as nginx allows 32 KiB. */
export const MAX_HEADER_BYTES = 32 * 1024;

/** How long an answer to a broken request may take to reach its client before the connection is cut. */
const LINGER = 1_000;

export interface Http1ServerSlice {
  /** Milliseconds from the start of a request, or of an idle new connection, to the end of its headers. */
  readonly requestHeaders: number;
  /** Milliseconds that a connection may be idle between requests. */
  readonly keepAlive: number;
}

export interface Http1ServerDeps {
  readonly system: System;
  /** `expectsContinue`: the client waits for 100 (Continue) before it sends the body. */
  onRequest(request: IncomingMessage, response: ServerResponse, facts: ConnectionFacts, expectsContinue: boolean): void;
  /** A WebSocket upgrade; `head` are bytes that came after the request's headers. */
  onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, facts: ConnectionFacts): void;
  onBroken(facts: ConnectionFacts | undefined, why: string): void;
}

export interface Http1Server {
  accept(socket: Socket, facts: ConnectionFacts): void;
  /** True once draining: answers should say `Connection: close`. */
  readonly draining: boolean;
  /** Closes idle connections now and the others after their present answer. */
  drain(): void;
  /** Cuts everything that is left. Idempotent. */
  close(): void;
}

/** An HTTP/1.1 server that does not listen by itself: connections are handed to it when they are ready. */
export function createHttp1Server(slice: Http1ServerSlice, deps: Http1ServerDeps): Http1Server {
  const factsOf = new WeakMap<Duplex, ConnectionFacts>();
  const sockets = new Set<Socket>();
  const broken = new WeakSet<Duplex>();
  let draining = false;

  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: slice.requestHeaders,
    // Bodies have no limit on their total time, only on standing still; see forward/stall-guard.ts.
    requestTimeout: 0,
    keepAliveTimeout: slice.keepAlive,
    connectionsCheckingInterval: Math.min(2_000, slice.requestHeaders),
    // Host is checked where routes are decided, with an answer that says what is wrong.
    requireHostHeader: false,
    // Anything but a WebSocket (h2c, TLS/1.0) is an offer that HTTP lets us ignore (RFC 9110 section 7.8).
    shouldUpgradeCallback: (request) => request.headers.upgrade?.toLowerCase() === 'websocket',
  });
  // The check of header deadlines starts with listening, which this server never does.
  server.emit('listening');

  const withFacts = (request: IncomingMessage, then: (facts: ConnectionFacts) => void): void => {
    const facts = factsOf.get(request.socket);
    if (facts === undefined) request.socket.destroy();
    else then(facts);
  };
  server.on('request', (request, response) =>
    withFacts(request, (facts) => deps.onRequest(request, response, facts, false)),
  );
  server.on('checkContinue', (request, response) =>
    withFacts(request, (facts) => deps.onRequest(request, response, facts, true)),
  );
  server.on('checkExpectation', (_request, response) => {
    response.writeHead(417, { 'Content-Type': 'application/json', Connection: 'close' });
    response.end(
      JSON.stringify({ errcode: 'M_UNKNOWN', error: 'The only expectation that can be met is 100-continue.' }),
    );
  });
  server.on('upgrade', (request, socket, head) =>
    withFacts(request, (facts) => deps.onUpgrade(request, socket, head, facts)),
  );
  server.on('connect', (request, socket) => {
    deps.onBroken(factsOf.get(request.socket), 'CONNECT');
    answerBroken(socket, 405, 'M_UNRECOGNIZED', 'CONNECT is not served: this is no forward proxy.');
  });
  server.on('clientError', (error, socket) => {
    if (broken.has(socket)) return;
    deps.onBroken(factsOf.get(socket), describeError(error));
    switch (errorCode(error)) {
      case 'HPE_HEADER_OVERFLOW':
      case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
        return answerBroken(
          socket,
          431,
          'M_TOO_LARGE',
          `The request line and headers are longer than ${MAX_HEADER_BYTES} bytes.`,
        );
      case 'ERR_HTTP_REQUEST_TIMEOUT':
        return answerBroken(socket, 408, 'M_UNKNOWN', 'The request did not arrive in time.');
      case 'ECONNRESET':
      case 'EPIPE':
        return void socket.destroy();
      default:
        return answerBroken(socket, 400, 'M_UNKNOWN', 'This is not a well-formed HTTP/1.1 request.');
    }
  });

  function answerBroken(socket: Duplex, status: number, errcode: string, error: string): void {
    broken.add(socket);
    // A response may already be under way on this connection; a second one in its middle would be a lie.
    const underWay = (socket as { readonly _httpMessage?: ServerResponse | null })._httpMessage;
    if (!socket.writable || underWay?.headersSent === true) return void socket.destroy();
    socket.on('error', () => {});
    socket.end(rawAnswer(status, errcode, error));
    // Closing at once, with unread bytes in the socket, would send a reset that can overtake the answer.
    const timer = deps.system.setTimer(LINGER, () => socket.destroy());
    socket.once('close', () => timer.cancel());
  }

  return {
    get draining() {
      return draining;
    },
    accept(socket, facts) {
      // While draining too: its handshake began before, and its one answer says that the connection closes.
      factsOf.set(socket, facts);
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      server.emit('connection', socket);
    },
    drain() {
      if (draining) return;
      draining = true;
      server.closeIdleConnections();
    },
    close() {
      draining = true;
      // Stops the interval that checks deadlines; there is no listening socket to close.
      server.close(() => {});
      for (const socket of sockets) socket.destroy();
    },
  };
}
