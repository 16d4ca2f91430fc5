import type { Socket } from 'node:net';
import { Client, type Dispatcher } from 'undici';
import type { Upstream } from '../base/address.ts';
import { SidecarError } from '../base/errors.ts';
import type { System } from '../base/system.ts';

/** Idle connections kept for later; more than a busy homeserver ever has requests in flight per second. */
const MAX_IDLE = 1024;
/** Below Synapse's own 60 s (Twisted's default), so that a connection is seldom closed just as a request goes out. */
const KEEP_ALIVE = 30_000;
/** To a homeserver beside us. Name resolution and every address together. */
const CONNECT_TIMEOUT = 10_000;

/** A connection that one request has to itself, until it is given back. */
export interface UpstreamConnection {
  /** True when it has carried a request before: it may have been closed by the homeserver in this very moment. */
  readonly reused: boolean;
  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void;
  /** Gives it back when its request has ended well; the next one may have it. */
  release(): void;
  /** Gives it back when its request has not: it is closed. Of both, the first call counts. */
  discard(): void;
}

/** The connections to one upstream. */
export interface UpstreamConnections {
  readonly upstream: Upstream;
  /** `fresh` is for a request that could not be sent again if its connection were closed just now: a new one has no such moment. */
  take(options?: { readonly fresh: boolean }): UpstreamConnection;
  /** Forgets idle connections: after a failure they may lead to a container that is gone. */
  dropIdle(): void;
  /** In use now. */
  readonly busy: number;
  close(): void;
}

/**
 * A stack of single connections, one request each. Thousands of open long polls cost the next request nothing,
 * where undici's own Pool looks through all of its busy connections to find a free one.
 */
export function createUpstreamConnections(
  upstream: Upstream,
  { system }: { readonly system: System },
): UpstreamConnections {
  const idle: Client[] = [];
  let busy = 0;
  let closed = false;

  function create(): Client {
    const client = new Client(upstream.kind === 'unix' ? 'http://homeserver' : upstream.text, {
      connect: (_options: object, done: (error: Error | null, socket: Socket | null) => void) =>
        dial(upstream, system, done),
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE,
      keepAliveMaxTimeout: KEEP_ALIVE,
      maxHeaderSize: 64 * 1024,
      // An answer may pause as long as its endpoint's deadline allows; each request says so itself.
      headersTimeout: 0,
      bodyTimeout: 0,
    } as unknown as Client.Options);
    // One that was closed while idle makes way for those that are still open.
    client.on('disconnect', () => {
      const at = idle.indexOf(client);
      if (at === -1) return;
      idle.splice(at, 1);
      destroy(client);
    });
    return client;
  }

  return {
    upstream,
    get busy() {
      return busy;
    },
    take(options) {
      const waiting = options?.fresh === true ? undefined : idle.pop();
      const client = waiting ?? create();
      let held = true;
      const giveBack = (keep: boolean): void => {
        if (!held) return;
        held = false;
        busy--;
        if (keep && !closed && idle.length < MAX_IDLE) idle.push(client);
        else destroy(client);
      };
      busy++;
      return {
        reused: waiting !== undefined,
        dispatch: (options, handler) => void client.dispatch(options, handler),
        release: () => giveBack(true),
        discard: () => giveBack(false),
      };
    },
    dropIdle() {
      for (const client of idle.splice(0)) destroy(client);
    },
    close() {
      closed = true;
      for (const client of idle.splice(0)) destroy(client);
    },
  };
}

/** Closes it at once. Rejects only when it was closed before. */
function destroy(client: Client): void {
  void client.destroy().catch(() => {});
}

/** Opens one connection. The name is resolved anew, so that a recreated container is found at its new address. */
function dial(upstream: Upstream, system: System, done: (error: Error | null, socket: Socket | null) => void): void {
  const socket = system.dial(upstream);
  const timer = system.setTimer(CONNECT_TIMEOUT, () => {
    socket.destroy(
      new SidecarError(`no connection to ${upstream.text} within ${CONNECT_TIMEOUT / 1000} s`, {
        code: 'upstream-connect-timeout',
        blame: 'upstream',
      }),
    );
  });
  const settle = (error: Error | null): void => {
    timer.cancel();
    socket.off('error', settle);
    socket.off('connect', connected);
    done(error, error === null ? socket : null);
  };
  const connected = (): void => settle(null);
  socket.once('error', settle);
  socket.once('connect', connected);
}
