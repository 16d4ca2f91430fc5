import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ConnectionFacts } from '../base/connection.ts';
import {
  createHttp1Server,
  type Http1Server,
  type Http1ServerDeps,
  type Http1ServerSlice,
} from '../listen/http1-server.ts';
import { createHttp2Server, type Http2Server, type Http2ServerDeps } from '../listen/http2-server.ts';

export interface ConnectionHandlersDeps {
  readonly http1: Http1ServerDeps;
  readonly http2: Http2ServerDeps;
}

/** The HTTP servers behind the listeners. Their limits are fixed when they are made, so a reload adds a generation. */
export interface ConnectionHandlers {
  onHttp1(socket: Socket, facts: ConnectionFacts): void;
  onHttp2(socket: TLSSocket, facts: ConnectionFacts): void;
  /** New connections get these limits from now on; those that are open keep theirs. */
  setLimits(slice: Http1ServerSlice): void;
  drain(): void;
  close(): void;
}

interface Generation {
  readonly slice: Http1ServerSlice;
  readonly http1: Http1Server;
  readonly http2: Http2Server;
}

export function createConnectionHandlers(slice: Http1ServerSlice, deps: ConnectionHandlersDeps): ConnectionHandlers {
  const create = (limits: Http1ServerSlice): Generation => ({
    slice: limits,
    http1: createHttp1Server(limits, deps.http1),
    http2: createHttp2Server(limits, deps.http2),
  });
  let current = create(slice);
  const generations = [current];

  return {
    onHttp1: (socket, facts) => current.http1.accept(socket, facts),
    onHttp2: (socket, facts) => current.http2.accept(socket, facts),
    setLimits(next) {
      if (next.requestHeaders === current.slice.requestHeaders && next.keepAlive === current.slice.keepAlive) return;
      current = create(next);
      generations.push(current);
    },
    drain() {
      for (const { http1, http2 } of generations) {
        http1.drain();
        http2.drain();
      }
    },
    close() {
      for (const { http1, http2 } of generations) {
        http1.close();
        http2.close();
      }
    },
  };
}
