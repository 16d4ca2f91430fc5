import type { RoutedRtc, RoutedServer } from './decision.ts';
import { readHost } from './read-host.ts';

export type FoundServer =
  | {
      readonly ok: true;
      readonly server: RoutedServer;
      readonly by: 'Host' | 'SNI' | 'the only homeserver';
      /** The services for calls, on a host of their own. */
      readonly rtc: RoutedRtc | undefined;
    }
  | { readonly ok: false; readonly malformed: boolean };

/** Says which homeserver a request is for, from the Host header and the TLS server name. */
export type ServerFinder = (authority: string | undefined, serverName: string | undefined) => FoundServer;

/** How many Host values are remembered; strangers can send any number of others, which are parsed each time. */
const REMEMBERED = 1024;
/** A DNS name, a colon and a port. */
const LONGEST = 261;

const MALFORMED: FoundServer = { ok: false, malformed: true };
const UNKNOWN: FoundServer = { ok: false, malformed: false };

/** By Host; where that names nobody, by SNI; with one homeserver, it is that one, whatever the Host. */
export function createServerFinder(servers: readonly RoutedServer[]): ServerFinder {
  const byHost = indexByHost(servers, 'Host');
  const bySni = indexByHost(servers, 'SNI');
  const only = servers.length === 1 ? servers[0] : undefined;
  const otherwise: FoundServer =
    only === undefined ? UNKNOWN : { ok: true, server: only, by: 'the only homeserver', rtc: undefined };
  const remembered = new Map<string, FoundServer | undefined>();

  function byAuthority(authority: string): FoundServer | undefined {
    if (remembered.has(authority)) return remembered.get(authority);
    const host = readHost(authority);
    const found = host === undefined ? MALFORMED : byHost.get(host);
    // Only what leads somewhere, and is short: the memory is ours, not that of strangers.
    if (found?.ok === true && authority.length <= LONGEST && remembered.size < REMEMBERED)
      remembered.set(authority, found);
    return found;
  }

  return (authority, serverName) => {
    const found = authority === undefined ? undefined : byAuthority(authority);
    if (found !== undefined) return found;
    return (serverName === undefined ? undefined : bySni.get(serverName)) ?? otherwise;
  };
}

/** A host that several servers share leads to the one whose server name it is, else to the first of them. */
function indexByHost(servers: readonly RoutedServer[], by: 'Host' | 'SNI'): ReadonlyMap<string, FoundServer> {
  const index = new Map<string, FoundServer>();
  const add = (host: string | undefined, server: RoutedServer, rtc?: RoutedRtc): void => {
    if (host !== undefined && !index.has(host)) index.set(host, { ok: true, server, by, rtc });
  };
  for (const server of servers) add(server.hosts[0], server);
  for (const server of servers) for (const host of server.hosts.slice(1)) add(host, server);
  for (const server of servers) add(server.rtc?.host, server, server.rtc);
  return index;
}
