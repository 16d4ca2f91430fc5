import type { ServerConfig } from '../config/config.ts';

/** A name that a certificate of ours has to cover, and why. */
export interface NeededName {
  readonly name: string;
  readonly why: string;
}

/**
 * Which names other servers and clients will check for one server name (server-server API, "Resolving server
 * names"): the delegated host always; the server name itself where it leads here, or where SRV delegates, because
 * then it is the server name and not the SRV target that the certificate must be for. And the host of the services for calls.
 */
export function listNeededNames(server: ServerConfig): NeededName[] {
  const { serverName, delegateTo, delegateBy, apex, rtc } = server;
  const needed: NeededName[] = [];
  if (delegateTo !== undefined) needed.push({ name: delegateTo.host, why: `${serverName.text} is delegated to it` });
  if (delegateTo === undefined)
    needed.push({ name: serverName.host, why: 'it is the server name, and nothing is delegated' });
  else if (delegateBy !== 'well-known')
    needed.push({ name: serverName.host, why: 'SRV delegation asks for a certificate of the server name itself' });
  else if (apex === 'here')
    needed.push({ name: serverName.host, why: `https://${serverName.host} leads here (apex: here)` });
  if (rtc?.host !== undefined)
    needed.push({ name: rtc.host, why: 'it is the host of the services for calls (rtc.host)' });
  return needed.filter((one, index) => needed.findIndex((other) => other.name === one.name) === index);
}
