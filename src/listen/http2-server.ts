import { constants, performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { ConnectionFacts } from '../base/connection.ts';
import { describeError } from '../base/errors.ts';
import { MAX_HEADER_BYTES } from './http1-server.ts';

export interface Http2ServerSlice {
  /** Milliseconds that a connection may have no stream open. */
  readonly keepAlive: number;
}

export interface Http2ServerDeps {
  /** `headers`: a flat array as it came, pseudo-headers first. `endStream`: there is no body. */
  onStream(stream: ServerHttp2Stream, headers: readonly string[], endStream: boolean, facts: ConnectionFacts): void;
  onBroken(facts: ConnectionFacts, why: string): void;
}

export interface Http2Server {
  accept(socket: TLSSocket, facts: ConnectionFacts): void;
  /** Sends GOAWAY on every connection; open streams finish. */
  drain(): void;
  /** Cuts everything that is left. Idempotent. */
  close(): void;
}

/**
 * Per stream 256 KiB so that an upload over a long way is not held to 64 KiB a round trip, per connection 1 MiB:
 * what a peer can make us hold unread is bounded by the latter.
 */
const STREAM_WINDOW = 256 * 1024;
const CONNECTION_WINDOW = 1024 * 1024;

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
  maxHeaderListPairs: 128,
} as const;

/** HTTP/2 for connections that chose it by ALPN; the stream API of Node, without its compatibility layer. */
export function createHttp2Server(slice: Http2ServerSlice, deps: Http2ServerDeps): Http2Server {
  const sessions = new Set<ServerHttp2Session>();
  let draining = false;

  return {
    accept(socket, facts) {
      const session = performServerHandshake(socket, SESSION_OPTIONS);
      let open = 0;
      sessions.add(session);
      session.once('close', () => sessions.delete(session));
      session.on('error', (error) => deps.onBroken(facts, describeError(error)));
      session.setLocalWindowSize(CONNECTION_WINDOW);
      session.setTimeout(slice.keepAlive, () => {
        if (open === 0) session.close();
      });
      // Its handshake began before draining did: GOAWAY tells the client that nothing of its was processed.
      if (draining) session.close();
      session.on('stream', (stream, _headers, flags, rawHeaders) => {
        open++;
        stream.once('close', () => {
          open--;
        });
        stream.on('error', ignore);
        // A peer that opens and resets streams in one burst (CVE-2023-44487) has reset them by the next turn of the
        // loop: nothing is decided, let alone sent to the homeserver, before that.
        setImmediate(() => {
          if (stream.destroyed || stream.aborted) return;
          deps.onStream(stream, rawHeaders, (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0, facts);
        });
      });
    },
    drain() {
      draining = true;
      for (const session of sessions) session.close();
    },
    close() {
      draining = true;
      for (const session of sessions) session.destroy();
    },
  };
}

function ignore(): void {}
