import { createHttpsExchange } from '../../base/create-https-exchange.ts';
import { createDnsClient } from '../../base/dns.ts';
import type { System } from '../../base/system.ts';
import type { ConnectTo } from '../../discovery/connect-to.ts';
import type { DiscoveryDeps } from '../../discovery/fetch-well-known.ts';
import { createNames } from '../../discovery/names.ts';
import { resolve } from '../../discovery/resolve.ts';
import type { ServerName } from '../../matrix/server-name.ts';
import type { TlsRoute } from './tls-request.ts';

/** What the servers of the demo find each other with: what `check` uses, on the demo's DNS and CA. */
export interface DemoDiscovery {
  readonly deps: DiscoveryDeps;
  /** For the ports that could not be had. */
  readonly connectTo: readonly ConnectTo[];
}

/** `dns`: the demo's DNS server, `127.0.0.1:18053`. `ca`: PEM. */
export function createDemoDiscovery(
  { dns, ca, connectTo }: { readonly dns: string; readonly ca: string; readonly connectTo: readonly ConnectTo[] },
  { system }: { readonly system: System },
): DemoDiscovery {
  const names = createNames({ server: dns }, { system, dns: createDnsClient() });
  return { deps: { system, names, https: createHttpsExchange({ system, ca: [ca] }) }, connectTo };
}

/** The way to a server by the steps of the specification. Rejects with what was done on the way when there is none. */
export async function findServer(serverName: ServerName, { deps, connectTo }: DemoDiscovery): Promise<TlsRoute> {
  const options = { allowPrivate: true, connectTo };
  const resolution = await resolve(serverName, deps, options, new AbortController().signal);
  const [destination] = resolution.destinations;
  const host = destination?.addresses.addresses[0];
  if (destination === undefined || host === undefined) {
    const trace = resolution.trace.map(({ step, what }) => `step ${step}: ${what}`);
    throw new Error(`${serverName.text} is not to be found: ${trace.join(' ')}`);
  }
  const { certificateName, hostHeader } = resolution;
  return { host, port: destination.port, sni: certificateName, hostHeader };
}
