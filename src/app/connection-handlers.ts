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
  readonly http2: Omit<Http2ServerDeps, 'system'>;
}

/** The HTTP servers behind the listeners. Their limits are fixed when they are made, so a reload adds a generation. */
export interface ConnectionHandlers {
  onHttp1(socket: Socket, facts: ConnectionFacts): void;
  onHttp2(socket: TLSSocket, facts: ConnectionFacts): void;
  /** New connections get these limits from now on; those that are open keep theirs. */
  setLimits(slice: Http1ServerSlice): void;
  /** Lets what is under way finish, and what begins within `patience` milliseconds on connections that are open. */
  drain(patience: number): void;
  close(): void;
}

interface Generation {
  readonly slice: Http1ServerSlice;
  /** Connections open. */
  open: number;
  readonly http1: Http1Server;
  readonly http2: Http2Server;
}

export function createConnectionHandlers(slice: Http1ServerSlice, deps: ConnectionHandlersDeps): ConnectionHandlers {
  const create = (limits: Http1ServerSlice): Generation => ({
    slice: limits,
    open: 0,
    http1: createHttp1Server(limits, deps.http1),
    http2: createHttp2Server(limits, { system: deps.http1.system, ...deps.http2 }),
  });
  let current = create(slice);
  const generations = new Set([current]);

  /** A generation ends with its last connection. */
  function retire(generation: Generation): void {
    if (generation === current || generation.open > 0) return;
    generations.delete(generation);
    generation.http1.close();
    generation.http2.close();
  }

  function enter(socket: Socket): Generation {
    const generation = current;
    generation.open++;
    socket.once('close', () => {
      generation.open--;
      retire(generation);
    });
    return generation;
  }

  return {
    onHttp1: (socket, facts) => enter(socket).http1.accept(socket, facts),
    onHttp2: (socket, facts) => enter(socket).http2.accept(socket, facts),
    setLimits(next) {
      const { slice: now } = current;
      if (
        next.requestHeaders === now.requestHeaders &&
        next.keepAlive === now.keepAlive &&
        next.stalled === now.stalled
      )
        return;
      const before = current;
      current = create(next);
      generations.add(current);
      retire(before);
    },
    drain(patience) {
      for (const { http1, http2 } of generations) {
        http1.drain(patience);
        http2.drain(patience);
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
