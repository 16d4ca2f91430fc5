import type { Server } from 'node:net';
import type { BindAddress } from '../base/address.ts';
import type { ListenerName } from '../base/connection.ts';
import type { ListenConfig } from '../config/config.ts';
import { bind } from '../listen/bind.ts';

const LISTENERS: readonly ListenerName[] = ['https', 'federation', 'http', 'admin'];

/** The addresses in force of each listener. */
export type BoundAddresses = Readonly<Record<ListenerName, readonly BindAddress[]>>;

/** The sockets that accept connections, and their coming and going over reloads. */
export interface BoundListeners {
  addresses(): BoundAddresses;
  /**
   * Makes the bound addresses those of `listen`: binds what is new first, then lets go of what is no longer
   * wanted. When anything cannot be bound, everything stays as it was and the error says why.
   */
  apply(listen: ListenConfig): Promise<void>;
  /** Stops accepting. Connections that are open stay. */
  close(): void;
}

interface Bound {
  readonly listener: ListenerName;
  /** What the configuration says (port 0 stays 0). */
  readonly wanted: BindAddress;
  readonly inForce: BindAddress;
  readonly server: Server;
}

export function createBoundListeners(
  createServer: (listener: ListenerName) => Server,
  onError: (listener: ListenerName, error: Error) => void,
): BoundListeners {
  let bound: readonly Bound[] = [];

  return {
    addresses() {
      const of = (listener: ListenerName): BindAddress[] =>
        bound.filter((one) => one.listener === listener).map((one) => one.inForce);
      return { https: of('https'), federation: of('federation'), http: of('http'), admin: of('admin') };
    },
    async apply(listen) {
      const kept: Bound[] = [];
      const added: Bound[] = [];
      try {
        for (const listener of LISTENERS) {
          for (const wanted of listen[listener]) {
            const present = bound.find((one) => one.listener === listener && one.wanted.text === wanted.text);
            if (present !== undefined) {
              kept.push(present);
              continue;
            }
            const server = createServer(listener);
            added.push({
              listener,
              wanted,
              inForce: await bind(server, wanted, `listen.${listener}`, (error) => onError(listener, error)),
              server,
            });
          }
        }
      } catch (error) {
        for (const one of added) one.server.close();
        throw error;
      }
      for (const one of bound) if (!kept.includes(one)) one.server.close();
      bound = [...kept, ...added];
    },
    close() {
      for (const one of bound) one.server.close();
      bound = [];
    },
  };
}
