import { parseServerName } from '../matrix/server-name.ts';
import type { RoutedServer } from './decision.ts';

export type FoundServer =
  | { readonly ok: true; readonly server: RoutedServer; readonly by: 'Host' | 'SNI' | 'the only homeserver' }
  | { readonly ok: false; readonly malformed: boolean };

/** Says which homeserver a request is for, from the Host header and the TLS server name. */
export type ServerFinder = (authority: string | undefined, serverName: string | undefined) => FoundServer;

/** How many Host values are remembered; strangers can send any number of others, which are parsed each time. */
const REMEMBERED = 1024;

const MALFORMED: FoundServer = { ok: false, malformed: true };
const UNKNOWN: FoundServer = { ok: false, malformed: false };

/** By Host; where that names nobody, by SNI; with one homeserver, it is that one, whatever the Host. */
export function createServerFinder(servers: readonly RoutedServer[]): ServerFinder {
  const byHost = new Map<string, FoundServer>();
  for (const server of servers) {
    for (const host of server.hosts) byHost.set(host, { ok: true, server, by: 'Host' });
  }
  const bySni = new Map<string, FoundServer>();
  for (const server of servers) {
    for (const host of server.hosts) bySni.set(host, { ok: true, server, by: 'SNI' });
  }
  const only = servers.length === 1 ? servers[0] : undefined;
  const otherwise: FoundServer = only === undefined ? UNKNOWN : { ok: true, server: only, by: 'the only homeserver' };
  const remembered = new Map<string, FoundServer | undefined>();

  function byAuthority(authority: string): FoundServer | undefined {
    if (remembered.has(authority)) return remembered.get(authority);
    // Host has the grammar of a Matrix server name: a host, perhaps in brackets, and perhaps a port.
    const parsed = parseServerName(authority);
    const found = parsed.ok ? byHost.get(parsed.value.host) : MALFORMED;
    if (remembered.size < REMEMBERED) remembered.set(authority, found);
    return found;
  }

  return (authority, serverName) => {
    const found = authority === undefined ? undefined : byAuthority(authority);
    if (found !== undefined) return found;
    return (serverName === undefined ? undefined : bySni.get(serverName)) ?? otherwise;
  };
}
