import { constants, performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { ConnectionFacts } from '../base/connection.ts';
import { describeError, errorCode } from '../base/errors.ts';
import type { System } from '../base/system.ts';
import { createFairTurns } from './fair-turns.ts';
import { MAX_HEADER_BYTES } from './http1-server.ts';
import { guardReader } from './reader-guard.ts';
import { MAX_HEADER_FIELDS } from './request-head.ts';

export interface Http2ServerSlice {
  /** Milliseconds that a connection may have no stream open. */
  readonly keepAlive: number;
  /** Milliseconds in which a client has to take some of what waits for it. */
  readonly stalled: number;
}

export interface Http2ServerDeps {
  readonly system: System;
  /** `headers`: a flat array as it came, pseudo-headers first. `endStream`: there is no body. */
  onStream(stream: ServerHttp2Stream, headers: readonly string[], endStream: boolean, facts: ConnectionFacts): void;
  onBroken(facts: ConnectionFacts, why: string): void;
  /** A connection is ended because of what it was flooded with, or because it broke the protocol. */
  onFlood(facts: ConnectionFacts): void;
}

export interface Http2Server {
  accept(socket: TLSSocket, facts: ConnectionFacts): void;
  /**
   * Sends GOAWAY on every connection; open streams finish, and those that are on their way within `patience` milliseconds
   * too (RFC 9113 section 6.8).
   */
  drain(patience: number): void;
  /** Cuts everything that is left. Idempotent. */
  close(): void;
}

/**
 * Per stream 256 KiB so that an upload over a long way is not held to 64 KiB a round trip, per connection 1 MiB:
 * what a peer can make us hold unread is bounded by the latter.
 */
const STREAM_WINDOW = 256 * 1024;
const CONNECTION_WINDOW = 1024 * 1024;

/** In a GOAWAY, says that no stream is refused yet. */
const LAST_POSSIBLE_STREAM = 2 ** 31 - 1;

const SESSION_OPTIONS = {
  settings: {
    maxConcurrentStreams: 100,
    maxHeaderListSize: MAX_HEADER_BYTES,
    initialWindowSize: STREAM_WINDOW,
    enablePush: false,
  },
  maxSettings: 32,
  maxOutstandingPings: 4,
  maxSessionInvalidFrames: 50,
  maxSessionRejectedStreams: 50,
  maxSessionMemory: 8,
  // Streams that a peer may open and take back at once, and a second, before it is sent away (CVE-2023-44487). The
  // default of 1,000 at once costs tens of megabytes a connection: Node makes objects of all that came in one read.
  streamResetBurst: 200,
  streamResetRate: 50,
  maxHeaderListPairs: MAX_HEADER_FIELDS,
  // What the homeserver says twice is passed on twice; Node would throw its whole answer away.
  strictSingleValueFields: false,
} as const;

/** Connections of which one request begins in one turn of the event loop; a hundred may have come in one packet. */
const REQUESTS_PER_TURN = 8;

/** Milliseconds from GOAWAY on an idle connection to its end, in which the client can close it by itself. */
const LINGER = 1_000;

/** HTTP/2 for connections that chose it by ALPN; the stream API of Node, without its compatibility layer. */
export function createHttp2Server(slice: Http2ServerSlice, deps: Http2ServerDeps): Http2Server {
  const sessions = new Set<ServerHttp2Session>();
  /** Without a stream so far. */
  const fresh = new WeakSet<ServerHttp2Session>();
  const turns = createFairTurns<ServerHttp2Session>(REQUESTS_PER_TURN);
  let draining = false;
  /** Monotonic milliseconds until which sessions may open streams. */
  let openUntil = 0;

  /** Announces the end, and lets what is on its way come. */
  function end(session: ServerHttp2Session): void {
    const patience = openUntil - deps.system.monotonic();
    // Its client may have left just now.
    if (session.destroyed || session.closed) return;
    if (patience <= 0) return session.close();
    const timer = deps.system.setTimer(patience, () => session.close());
    session.once('close', () => timer.cancel());
    const announce = (): void => session.goaway(constants.NGHTTP2_NO_ERROR, LAST_POSSIBLE_STREAM);
    // A client that hears of the end before its first request can only fail.
    if (fresh.has(session)) session.once('stream', announce);
    else announce();
  }

  return {
    accept(socket, facts) {
      const session = performServerHandshake(socket, SESSION_OPTIONS);
      const open = new Set<ServerHttp2Stream>();
      sessions.add(session);
      fresh.add(session);
      session.once('stream', () => fresh.delete(session));
      session.once('close', () => sessions.delete(session));
      session.on('error', (error) => {
        deps.onBroken(facts, describeError(error));
        if (isFlood(errorCode(error))) deps.onFlood(facts);
      });
      session.setLocalWindowSize(CONNECTION_WINDOW);
      const idle = endWhenIdle(session, socket, slice.keepAlive, deps.system);
      guardReader(socket, slice.stalled, deps.system);
      guardStreams(session, open, slice.stalled, deps.system);
      // Its handshake began before draining did: GOAWAY tells the client that nothing of its was processed, unless there is
      // time for its first requests.
      if (draining) end(session);
      session.on('stream', (stream, _headers, flags, rawHeaders) => {
        open.add(stream);
        idle.stop();
        stream.once('close', () => {
          open.delete(stream);
          if (open.size === 0) idle.start();
        });
        stream.on('error', ignore);
        // A peer that opens and resets streams in one burst (CVE-2023-44487) has reset them by the next turn of the
        // loop: nothing is decided, let alone sent to the homeserver, before that.
        turns.enter(session, () => {
          if (stream.destroyed || stream.aborted) return;
          if (isTooLong(rawHeaders)) return refuseHeaders(stream);
          deps.onStream(stream, rawHeaders, (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0, facts);
        });
      });
    },
    drain(patience) {
      draining = true;
      openUntil = deps.system.monotonic() + patience;
      for (const session of sessions) end(session);
    },
    close() {
      draining = true;
      for (const session of sessions) session.destroy();
    },
  };
}

/**
 * Node's own judgement of what came. What the network does has a code of the system's or of TLS, and a client that ends its own
 * connection with an error (GOAWAY, as when a ping of its stays without an answer) harms nobody.
 */
function isFlood(code: string | undefined): boolean {
  return code?.startsWith('ERR_HTTP2_') === true && code !== 'ERR_HTTP2_SESSION_ERROR';
}

/** The size of a header list (RFC 9113 section 6.5.2). Node counts only once the client has acknowledged our limit. */
function isTooLong(headers: readonly string[]): boolean {
  let size = 16 * headers.length;
  for (const text of headers) size += text.length;
  return size > MAX_HEADER_BYTES;
}

function refuseHeaders(stream: ServerHttp2Stream): void {
  const error = `The header list is longer than ${MAX_HEADER_BYTES} bytes.`;
  stream.respond([':status', '431', 'content-type', 'application/json', 'access-control-allow-origin', '*']);
  stream.end(JSON.stringify({ errcode: 'M_TOO_LARGE', error }));
  stream.resume();
  // What is left of a body is not wanted.
  stream.once('finish', () => stream.close(constants.NGHTTP2_NO_ERROR));
}

/**
 * Ends a connection that has had no stream for `period` milliseconds. By a timer of our own: Node's for sessions
 * starts anew with every byte, so that pings, or a header block that trickles in, would hold a connection for ever.
 */
function endWhenIdle(
  session: ServerHttp2Session,
  socket: TLSSocket,
  period: number,
  system: System,
): { start(): void; stop(): void } {
  let timer = system.setTimer(period, end);
  function end(): void {
    session.close();
    timer = system.setTimer(LINGER, () => socket.destroy());
  }
  socket.once('close', () => timer.cancel());
  return {
    start() {
      timer.cancel();
      if (!socket.destroyed) timer = system.setTimer(period, end);
    },
    stop: () => timer.cancel(),
  };
}

/**
 * Resets streams whose answer is complete here but is not taken: the client grants no window. An answer that still
 * comes from a homeserver is watched by whoever forwards it.
 */
function guardStreams(
  session: ServerHttp2Session,
  open: ReadonlySet<ServerHttp2Stream>,
  period: number,
  system: System,
): void {
  let before = new Map<ServerHttp2Stream, number>();
  let timer = system.setTimer(period, look);
  function look(): void {
    const now = new Map<ServerHttp2Stream, number>();
    for (const stream of open) {
      if (!stream.writableEnded || stream.writableFinished) continue;
      if (before.get(stream) === stream.bufferSize) stream.close(constants.NGHTTP2_CANCEL);
      else now.set(stream, stream.bufferSize);
    }
    before = now;
    timer = system.setTimer(period, look);
  }
  session.once('close', () => timer.cancel());
}

function ignore(): void {}
