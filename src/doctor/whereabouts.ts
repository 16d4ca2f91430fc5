import type { DnsClient } from '../base/dns.ts';
import { applyConnectTo, type ConnectTo } from '../discovery/connect-to.ts';
import type { Names } from '../discovery/names.ts';
import type { DnsFault } from '../discovery/resolution.ts';

/** Where to connect for a host and port. */
export interface Whereabouts {
  /** IPv4 and IPv6 addresses; empty when the name does not exist. */
  readonly addresses: readonly string[];
  readonly port: number;
  /** Why the DNS said nothing, in a clause. */
  readonly error: string | undefined;
  /** Set where that is not the zone's. */
  readonly fault?: DnsFault | undefined;
}

export type FindWhereabouts = (host: string, port: number, signal: AbortSignal) => Promise<Whereabouts>;

/** Addresses of one name that are looked at. */
const MOST_ADDRESSES = 8;

/** Looks names up once each, and applies what `--connect-to` says. Rejects with the signal's reason only. */
export function createFindWhereabouts(names: Names, connectTo: readonly ConnectTo[]): FindWhereabouts {
  const known = new Map<string, Whereabouts>();
  return async (host, port, signal) => {
    const to = applyConnectTo(connectTo, host, port);
    const found = known.get(to.host) ?? (await look(to.host, names, signal));
    known.set(to.host, found);
    return { ...found, port: to.port };
  };
}

async function look(host: string, names: Names, signal: AbortSignal): Promise<Whereabouts> {
  const { addresses, error, fault } = await names.lookupHost(host, signal);
  return { addresses: addresses.slice(0, MOST_ADDRESSES), port: 0, error, fault };
}

/**
 * Names as others on the internet see them: by the DNS alone, since the machine's own hosts file often has its own name
 * as 127.0.1.1. Only what the DNS does not know is looked up as the machine would.
 */
export function preferDns(names: Names, dns: DnsClient): Names {
  return {
    async lookupHost(host, signal) {
      const addresses = await dns.resolveAddresses(host, { signal }).catch(() => []);
      signal.throwIfAborted();
      return addresses.length > 0
        ? { host, cname: undefined, addresses, error: undefined }
        : names.lookupHost(host, signal);
    },
    lookupSrv: (name, signal) => names.lookupSrv(name, signal),
  };
}
