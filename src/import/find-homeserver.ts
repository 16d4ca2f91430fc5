import type { Hosts } from './hosts.ts';
import { CLIENT_PATH, FEDERATION_PATH, MAIN_PATHS, ROOT_PATH } from './matrix-paths.ts';
import type { Place } from './place.ts';
import type { Outcome, Target } from './site.ts';

/** Where the Matrix requests of a host go. */
export interface FoundHomeserver {
  readonly target: Target;
  readonly place: Place;
  readonly port: number;
}

/** Words in names and addresses of homeservers, and the ports that they listen on by default. */
const LIKELY = /synapse|matrix|dendrite|conduit|conduwuit|tuwunel|construct|homeserver|:(8008|8448|6167|8009)$/i;
const LIKELY_LABEL = /^(matrix|synapse|m|hs|homeserver|dendrite|conduit)\./;

/**
 * The homeserver behind a host; undefined where its Matrix paths lead to none. A website that takes every path is none,
 * unless something says that it is a homeserver: its address, its port or the host's name.
 */
export function findHomeserver(hosts: Hosts, host: string): FoundHomeserver | undefined {
  const main = hosts.mainPort(host);
  const ports = [...(main === undefined ? [] : [main]), ...hosts.ports(host, true), ...hosts.ports(host, false)];
  for (const port of new Set(ports)) {
    const outcome = MAIN_PATHS.map((path) => hosts.ask(host, port, path)).find((one) => one?.do === 'proxy');
    if (outcome?.do !== 'proxy') continue;
    if (isMatrix(hosts, host, port, outcome)) return { target: outcome.target, place: outcome.place, port };
  }
  return undefined;
}

function isMatrix(hosts: Hosts, host: string, port: number, outcome: Outcome & { do: 'proxy' }): boolean {
  const root = hosts.ask(host, port, ROOT_PATH);
  if (root?.do !== 'proxy' || root.target.text !== outcome.target.text) return true;
  if (LIKELY.test(outcome.target.text) || LIKELY_LABEL.test(host)) return true;
  // Matrix paths of which some go elsewhere than the rest: workers.
  return [CLIENT_PATH, FEDERATION_PATH].some((path) => {
    const one = hosts.ask(host, port, path);
    return one?.do === 'proxy' && one.target.text !== root.target.text;
  });
}
