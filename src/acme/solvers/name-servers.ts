import { formatHostPort } from '../../base/address.ts';
import type { DnsClient } from '../../base/dns.ts';
import { describeError } from '../../base/errors.ts';

/** A name server of the zone that a name is in. */
export interface NameServer {
  readonly name: string;
  /** `address:port`; empty when it has no address. */
  readonly addresses: readonly string[];
}

/** What one server makes of a TXT record. */
export interface ServerView {
  readonly server: string;
  readonly shows: 'record' | 'nothing' | 'no-answer';
  /** Why there is no answer. */
  readonly why?: string;
}

/** Zones have two to eight; more than this many are not asked. */
const MOST_SERVERS = 16;

/**
 * The authoritative name servers of the zone that `name` is in, as the machine's resolver knows them; none when it
 * knows none. Rejects with a SidecarError when it does not answer.
 */
export async function findNameServers(
  name: string,
  port: number,
  dns: DnsClient,
  signal: AbortSignal,
): Promise<readonly NameServer[]> {
  for (let zone = name; ; zone = zone.slice(zone.indexOf('.') + 1)) {
    const servers = await dns.resolveNs(zone, { signal });
    if (servers.length > 0) {
      return Promise.all(
        servers.slice(0, MOST_SERVERS).map(async (server) => {
          // A server without an address (any more) is one that does not answer, not a reason to give up.
          const addresses = await dns.resolveAddresses(server, { signal }).catch(() => []);
          return { name: server, addresses: addresses.map((address) => formatHostPort(address, port)) };
        }),
      );
    }
    if (!zone.includes('.')) return [];
  }
}

/** Asks a name server at one of its addresses after the other, until one answers. Rejects on abort only. */
export async function askNameServer(
  server: NameServer,
  name: string,
  value: string,
  dns: DnsClient,
  signal: AbortSignal,
): Promise<ServerView> {
  let why = 'it has no address';
  for (const address of server.addresses) {
    try {
      const values = await dns.resolveTxt(name, { server: address, signal });
      return { server: server.name, shows: values.includes(value) ? 'record' : 'nothing' };
    } catch (error) {
      signal.throwIfAborted();
      why = describeError(error);
    }
  }
  return { server: server.name, shows: 'no-answer', why };
}
