import type { ConnectionFacts } from '../base/connection.ts';

/** From where connections come, as far as it helps to tell that somebody stands between the clients and us. */
export interface ClientNetworks {
  /** Connections from other machines, until enough addresses were seen. */
  readonly connections: number;
  /** Different addresses among them; at most `MOST_NETWORKS`. */
  readonly distinct: number;
  /** The address, when there is only one. */
  readonly only: string | null;
}

/** With so many, nobody has to look any further. */
export const MOST_NETWORKS = 8;

const OWN = /^(127\.|::1$|unix)/;

/**
 * Notes the addresses of new connections until there are eight different ones; after that it costs nothing. Requests
 * on connections that are open already cost nothing at all.
 */
export function createClientNetworks(): { note(facts: ConnectionFacts): void; describe(): ClientNetworks } {
  const seen = new Set<string>();
  let connections = 0;
  return {
    note({ listener, peerAddress }) {
      if (seen.size >= MOST_NETWORKS || listener === 'admin' || OWN.test(peerAddress)) return;
      connections += 1;
      seen.add(peerAddress);
    },
    describe() {
      return { connections, distinct: seen.size, only: seen.size === 1 ? [...seen][0]! : null };
    },
  };
}
