import type { Server, Socket } from 'node:net';
import type { BindAddress } from '../base/address.ts';
import type { ListenerName } from '../base/connection.ts';
import { describeError, SidecarError } from '../base/errors.ts';
import type { System } from '../base/system.ts';
import type { ListenConfig } from '../config/config.ts';
import { bind } from '../listen/bind.ts';
import { createInFlight } from './in-flight.ts';

const LISTENERS: readonly ListenerName[] = ['https', 'federation', 'http', 'admin'];

/** The addresses in force of each listener. */
export type BoundAddresses = Readonly<Record<ListenerName, readonly BindAddress[]>>;

/** The sockets that accept connections, their coming and going over reloads, and the connections they accepted. */
export interface BoundListeners {
  addresses(): BoundAddresses;
  /**
   * Makes the bound addresses those of `listen`: binds what is new first, then lets go of what is no longer
   * wanted. An address that one of ours stands in the way of (the same port on all addresses, on one, or of another
   * listener) changes hands, and is closed for a moment. When anything cannot be bound, or accepting was stopped
   * meanwhile, everything stays as it was and the error says why. One call at a time.
   */
  apply(listen: ListenConfig): Promise<void>;
  /** Stops accepting, for good. Connections that are open stay. */
  stopAccepting(): void;
  /** Resolves when no connection is left, or after `most` milliseconds. */
  quiet(most: number): Promise<void>;
  /** Stops accepting and cuts every connection, also those that never got as far as a request. */
  close(): void;
}

interface Place {
  readonly listener: ListenerName;
  /** What the configuration says (port 0 stays 0). */
  readonly wanted: BindAddress;
}

interface Bound extends Place {
  readonly inForce: BindAddress;
  readonly server: Server;
}

export interface BoundListenersDeps {
  readonly system: System;
  createServer(listener: ListenerName): Server;
  /** An error of a listening socket while it listens. */
  onError(listener: ListenerName, error: Error): void;
}

export function createBoundListeners(deps: BoundListenersDeps): BoundListeners {
  const connections = new Set<Socket>();
  const open = createInFlight();
  let bound: readonly Bound[] = [];
  let stopped = false;

  function track(socket: Socket): void {
    connections.add(socket);
    open.enter();
    socket.once('close', () => {
      connections.delete(socket);
      open.leave();
    });
  }

  async function bindAt({ listener, wanted }: Place): Promise<Bound> {
    const server = deps.createServer(listener);
    server.on('connection', track);
    const onLater = (error: Error): void => deps.onError(listener, error);
    const inForce = await bind(server, wanted, `listen.${listener}`, onLater);
    if (!stopped) return { listener, wanted, inForce, server };
    server.close();
    throw stopping();
  }

  /** Binds all of `places` or none. */
  async function bindAll(places: readonly Place[]): Promise<Bound[]> {
    const done: Bound[] = [];
    try {
      for (const place of places) done.push(await bindAt(place));
      return done;
    } catch (error) {
      for (const { server } of done) server.close();
      throw error;
    }
  }

  /** Binds where old listeners of ours stand in the way: these go first, and come back if it fails. */
  async function handOver(inTheWay: readonly Bound[], places: readonly Place[]): Promise<Bound[]> {
    for (const { server } of inTheWay) server.close();
    try {
      return await bindAll(places);
    } catch (error) {
      bound = bound.filter((one) => !inTheWay.includes(one));
      for (const old of inTheWay) {
        try {
          const { inForce, server } = await bindAt({ listener: old.listener, wanted: old.inForce });
          bound = [...bound, { ...old, inForce, server }];
        } catch (second) {
          deps.onError(old.listener, new Error(`${old.wanted.text} could not be reopened: ${describeError(second)}`));
        }
      }
      throw error;
    }
  }

  function stopAccepting(): void {
    stopped = true;
    for (const { server } of bound) server.close();
    bound = [];
  }

  return {
    addresses() {
      const of = (listener: ListenerName): BindAddress[] =>
        bound.filter((one) => one.listener === listener).map((one) => one.inForce);
      return { https: of('https'), federation: of('federation'), http: of('http'), admin: of('admin') };
    },
    async apply(listen) {
      const wanted = LISTENERS.flatMap((listener) =>
        listen[listener].map((address) => ({ listener, wanted: address })),
      );
      const kept = bound.filter((one) => wanted.some((place) => isSamePlace(one, place)));
      const dropped = bound.filter((one) => !kept.includes(one));
      const added = wanted.filter((place) => !kept.some((one) => isSamePlace(one, place)));
      const inTheWay = dropped.filter((one) => added.some((place) => collide(one.inForce, place.wanted)));
      const contested = added.filter((place) => inTheWay.some((one) => collide(one.inForce, place.wanted)));
      const fresh = await bindAll(added.filter((place) => !contested.includes(place)));
      try {
        fresh.push(...(await handOver(inTheWay, contested)));
      } catch (error) {
        for (const { server } of fresh) server.close();
        throw error;
      }
      if (stopped) throw stopping();
      for (const one of dropped) one.server.close();
      bound = [...kept, ...fresh];
    },
    stopAccepting,
    quiet: (most) => open.empty(most, deps.system),
    close() {
      stopAccepting();
      for (const socket of connections) socket.destroy();
    },
  };
}

/** What a configuration that comes too late is told. */
export function stopping(): SidecarError {
  return new SidecarError('The sidecar is stopping.', { code: 'stopping', blame: 'operator' });
}

function isSamePlace(a: Place, b: Place): boolean {
  return a.listener === b.listener && a.wanted.text === b.wanted.text;
}

/** Would the system refuse the second while the first is there? */
function collide(present: BindAddress, wanted: BindAddress): boolean {
  if (wanted.port === 0 || present.port !== wanted.port) return false;
  return present.host === wanted.host || isWildcard(present.host) || isWildcard(wanted.host);
}

function isWildcard(host: string): boolean {
  return host === '::' || host === '0.0.0.0';
}
