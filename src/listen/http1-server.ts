import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectionFacts } from '../base/connection.ts';
import { describeError, errorCode } from '../base/errors.ts';
import type { System } from '../base/system.ts';
import { createTurns, type Turns } from './http1-turns.ts';
import { rawAnswer } from './plain-http-answer.ts';
import { guardReader } from './reader-guard.ts';
import { findHeadFault, offersWebSocket, type Refusal } from './request-head.ts';

/** Bytes of request line and headers together; more gives 431. Twice Node's default, as nginx allows 32 KiB. */
export const MAX_HEADER_BYTES = 32 * 1024;

/** Bytes behind too many requests that are thrown away before the connection is cut. */
const MOST_IGNORED = 64 * 1024;

/** How long an answer to a broken request may take to reach its client before the connection is cut. */
const LINGER = 1_000;

export interface Http1ServerSlice {
  /** Milliseconds from the start of a request, or of an idle new connection, to the end of its headers. */
  readonly requestHeaders: number;
  /** Milliseconds that a connection may be idle between requests. */
  readonly keepAlive: number;
  /** Milliseconds in which a client has to take some of what waits for it. */
  readonly stalled: number;
}

export interface Http1ServerDeps {
  readonly system: System;
  /** `expectsContinue`: the client waits for 100 (Continue) before it sends the body. */
  onRequest(request: IncomingMessage, response: ServerResponse, facts: ConnectionFacts, expectsContinue: boolean): void;
  /** A WebSocket upgrade; `head` are bytes that came after the request's headers. */
  onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, facts: ConnectionFacts): void;
  onBroken(facts: ConnectionFacts | undefined, why: string): void;
  /** A connection is ended because of what it was flooded with. */
  onFlood(facts: ConnectionFacts): void;
}

export interface Http1Server {
  accept(socket: Socket, facts: ConnectionFacts): void;
  /** True once draining: answers should say `Connection: close`. */
  readonly draining: boolean;
  /**
   * Closes idle connections in `patience` milliseconds and the others after their present answer. Those that have the
   * time to make one more request lose nothing.
   */
  drain(patience: number): void;
  /** Cuts everything that is left. Idempotent. */
  close(): void;
}

/** What is known of one connection. */
interface Connection {
  readonly facts: ConnectionFacts;
  readonly turns: Turns;
  /** Something was refused for good: what still arrives is thrown away. */
  refused: boolean;
  /** A request came before the answer to the one before it was through. */
  crowded: boolean;
}

/** Too many requests at once, headers that are too long: what costs much more to read than to send. */
const FLOODS: ReadonlySet<number> = new Set([429, 431]);

const TOO_MANY_REQUESTS: Refusal = {
  status: 429,
  errcode: 'M_LIMIT_EXCEEDED',
  message: 'Too many requests were sent without waiting for an answer.',
};
const ODD_EXPECTATION: Refusal = {
  status: 417,
  errcode: 'M_UNKNOWN',
  message: 'The only expectation that can be met is 100-continue.',
};
const NO_CONNECT: Refusal = {
  status: 405,
  errcode: 'M_UNRECOGNIZED',
  message: 'CONNECT is not served: this is no forward proxy.',
};

/** An HTTP/1.1 server that does not listen by itself: connections are handed to it when they are ready. */
export function createHttp1Server(slice: Http1ServerSlice, deps: Http1ServerDeps): Http1Server {
  const connections = new WeakMap<Duplex, Connection>();
  const sockets = new Set<Socket>();
  const { stackTraceLimit } = Error;
  let draining = false;

  const server = createServer({
    // Also where NODE_OPTIONS asks for leniency: what it lets through is what smuggling is made of.
    insecureHTTPParser: false,
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: slice.requestHeaders,
    // Bodies have no limit on their total time, only on standing still; see forward/stall-guard.ts.
    requestTimeout: 0,
    keepAliveTimeout: slice.keepAlive,
    connectionsCheckingInterval: Math.min(2_000, slice.requestHeaders),
    // Checked in request-head.ts, with an answer that says what is wrong.
    requireHostHeader: false,
    shouldUpgradeCallback: offersWebSocket,
    // A request without a body is no stream that has to be read to its end. A Node that does not know this reads it.
    optimizeEmptyRequests: true,
  });
  // Node would drop those beyond 1,000 in silence, Content-Length among them; request-head.ts refuses instead.
  server.maxHeadersCount = 0;
  // The check of header deadlines starts with listening, which this server never does.
  server.emit('listening');

  /** Lets a request in when it is one that can be served, behind those that came before it on its connection. */
  function enter(
    request: IncomingMessage,
    response: ServerResponse | undefined,
    begin: (facts: ConnectionFacts) => void,
  ): void {
    const { socket } = request;
    const connection = connections.get(socket);
    if (connection === undefined) return void socket.destroy();
    if (connection.refused) return void request.resume();
    if (connection.turns.current !== undefined && !connection.crowded) {
      connection.crowded = true;
      closeWithoutStacks(socket, stackTraceLimit);
    }
    const fault = findHeadFault(request);
    if (fault === undefined && connection.turns.enter(request, response, () => begin(connection.facts))) return;
    request.resume();
    refuse(socket, connection, fault ?? TOO_MANY_REQUESTS);
  }
  server.on('request', (request, response) =>
    enter(request, response, (facts) => deps.onRequest(request, response, facts, false)),
  );
  server.on('checkContinue', (request, response) =>
    enter(request, response, (facts) => deps.onRequest(request, response, facts, true)),
  );
  server.on('upgrade', (request, socket, head) =>
    enter(request, undefined, (facts) => deps.onUpgrade(request, socket, head, facts)),
  );
  const refuseRequest = (request: IncomingMessage, refusal: Refusal): void => {
    const connection = connections.get(request.socket);
    request.resume();
    if (connection?.refused === false) refuse(request.socket, connection, refusal);
  };
  server.on('checkExpectation', (request) => refuseRequest(request, ODD_EXPECTATION));
  server.on('connect', (request) => {
    refuseRequest(request, NO_CONNECT);
    // The parser has let go of the socket; someone has to see that the client leaves.
    request.socket.resume();
  });
  server.on('clientError', (error, socket) => {
    const connection = connections.get(socket);
    if (connection === undefined || connection.refused) return;
    const code = errorCode(error);
    // Bytes behind a request that said `close`: it gets its answer, they get none (RFC 9112 section 9.6).
    if (code === 'HPE_CLOSED_CONNECTION') return;
    const refusal = explainParserError(code);
    const { current } = connection.turns;
    const timedOut = code === 'ERR_HTTP_REQUEST_TIMEOUT';
    if (refusal === undefined || (timedOut && current !== undefined)) return void socket.destroy();
    if (current === undefined || current.request.complete || current.response === undefined)
      return refuse(socket, connection, refusal, describeError(error));
    // The body of the very request that is being served is broken.
    connection.refused = true;
    deps.onBroken(connection.facts, describeError(error));
    // Its answer may already be under way; a second one in its middle would be a lie.
    if (current.response.headersSent) socket.destroy();
    else answerLast(socket, refusal);
  });

  /** Answers once what came before on the connection is answered; nothing that comes behind is looked at. */
  function refuse(socket: Duplex, connection: Connection, refusal: Refusal, why = refusal.message): void {
    connection.refused = true;
    deps.onBroken(connection.facts, why);
    if (FLOODS.has(refusal.status)) {
      ignoreRest(socket);
      deps.onFlood(connection.facts);
    }
    connection.turns.finish(() => answerLast(socket, refusal));
  }

  function answerLast(socket: Duplex, { status, errcode, message }: Refusal): void {
    if (!socket.writable) return void socket.destroy();
    socket.end(rawAnswer(status, errcode, message, deps.system.now()));
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
      connections.set(socket, { facts, turns: createTurns(socket), refused: false, crowded: false });
      sockets.add(socket);
      // Node takes its own listener off when it hands a socket over for an upgrade.
      socket.on('error', ignore);
      socket.once('close', () => sockets.delete(socket));
      // Our side has ended: the client has a moment to end its own. Nobody else sees to it where Node has let go of the
      // socket for an upgrade.
      socket.once('finish', () => {
        const timer = deps.system.setTimer(LINGER, () => socket.destroy());
        socket.once('close', () => timer.cancel());
      });
      guardReader(socket, slice.stalled, deps.system);
      server.emit('connection', socket);
    },
    drain(patience) {
      if (draining) return;
      draining = true;
      if (patience === 0) server.closeIdleConnections();
      else deps.system.setTimer(patience, () => server.closeIdleConnections());
      // An answer that had begun by now could not say that its connection closes. A request that its client has sent in
      // the meantime is still served, and says so; without one, the connection closes a moment later.
      for (const socket of sockets) {
        const response = connections.get(socket)?.turns.current?.response;
        response?.once('close', () => deps.system.setTimer(LINGER, () => server.closeIdleConnections()));
      }
    },
    close() {
      draining = true;
      // Stops the interval that checks deadlines; there is no listening socket to close.
      server.close(() => {});
      for (const socket of sockets) socket.destroy();
    },
  };
}

function ignore(): void {}

/**
 * From the next read on, bytes go past the parser, which makes objects of each request that it finds, to the end of the
 * answer before them: that may be a long poll's. They are still read, so that a client that leaves is noticed.
 */
function ignoreRest(socket: Duplex): void {
  let ignored = 0;
  socket.removeAllListeners('data');
  // Node gives its parser what comes without a detour, until somebody else listens.
  socket.on('data', ({ length }: Buffer) => {
    ignored += length;
    if (ignored > MOST_IGNORED) socket.destroy();
  });
}

/**
 * When a connection closes, Node gives each request that still waits on it an error of its own, and has its stack written
 * out: for a thousand that came in one read that takes as long as a hundred handshakes. `usual` is what holds otherwise.
 */
function closeWithoutStacks(socket: Socket, usual: number): void {
  socket.prependOnceListener('close', () => {
    Error.stackTraceLimit = 0;
    // Behind the listeners of this event.
    process.nextTick(() => {
      Error.stackTraceLimit = usual;
    });
  });
}

/** What to say of bytes that are no request; undefined when there is nobody left to say it to. */
function explainParserError(code: string | undefined): Refusal | undefined {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return {
        status: 431,
        errcode: 'M_TOO_LARGE',
        message: `The request line and headers are longer than ${MAX_HEADER_BYTES} bytes.`,
      };
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return { status: 413, errcode: 'M_TOO_LARGE', message: 'The chunk extensions are too long.' };
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { status: 408, errcode: 'M_UNKNOWN', message: 'The request did not arrive in time.' };
    case 'ECONNRESET':
    case 'EPIPE':
      return undefined;
    default:
      return { status: 400, errcode: 'M_UNKNOWN', message: 'This is not a well-formed HTTP/1.1 request.' };
  }
}
