import { parseServerName, whyNotInDns } from '../matrix/server-name.ts';
import { MAIN_PATHS, WELL_KNOWN } from './matrix-paths.ts';
import type { Outcome, Site } from './site.ts';

/** All sites, asked as a client would ask them: by host, port and path. */
export interface Hosts {
  readonly sites: readonly Site[];
  /** The hosts that sites name exactly, in the order in which they are named. */
  readonly names: readonly string[];
  /** The ports on which a site takes this host as its own. */
  ports(host: string, tls: boolean): readonly number[];
  /** Which site answers; undefined where nobody listens on the port. */
  choose(host: string, port: number): Site | undefined;
  /** `path` may have a query. `inside`: as somebody would who is in a network that is let in. */
  ask(host: string, port: number, path: string, inside?: boolean): Outcome | undefined;
  /** The port on which clients come: 443 if it is there, else another one with TLS, 8448 after the others. */
  mainPort(host: string): number | undefined;
}

/** From here on, a site was chosen for its name, and not because nothing else is there. */
export const BY_NAME = 10;
const EXACT = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/;

/** `more` are hosts that no site names exactly, and that are served all the same. */
export function createHosts(sites: readonly Site[], more: readonly string[] = []): Hosts {
  const names = [...new Set([...sites.flatMap((site) => site.names.filter(isExactName)), ...more])];
  const answers = new Map<string, Outcome | undefined>();

  const byName = Map.groupBy(
    sites.flatMap((site) => [...new Set(site.names)].map((name) => ({ name, site }))),
    ({ name }) => name,
  );
  // Those that may be for a host whose name they do not have.
  const open = sites.filter((site) => isNameless(site) || !site.names.every(isExactName));
  const fallbacks = new Map<number, Site | undefined>();
  const opened = new Map<string, readonly number[]>();

  function candidates(host: string): readonly Site[] {
    return [...(byName.get(host) ?? []).map(({ site }) => site), ...open];
  }

  /** Who answers for a host that nobody names. */
  function fallback(port: number): Site | undefined {
    if (!fallbacks.has(port)) fallbacks.set(port, best(sites, 'unknown.invalid', port));
    return fallbacks.get(port);
  }

  function choose(host: string, port: number): Site | undefined {
    return best(candidates(host), host, port, BY_NAME) ?? fallback(port);
  }

  function ports(host: string, tls: boolean): readonly number[] {
    const key = `${host} ${tls}`;
    const known = opened.get(key);
    if (known !== undefined) return known;
    const own = candidates(host).flatMap((site) => {
      const fits = ({ port }: { port: number }): boolean =>
        site.rank(host, port) >= BY_NAME || (catchesMatrix(site, port) && choose(host, port) === site);
      return site.listens.filter((listen) => listen.tls === tls && fits(listen));
    });
    const found = [...new Set(own.map(({ port }) => port))];
    opened.set(key, found);
    return found;
  }

  return {
    sites,
    names,
    ports,
    choose,
    ask(host, port, path, inside = false) {
      const key = `${host} ${port} ${inside} ${path}`;
      if (answers.has(key)) return answers.get(key);
      const [before, query] = path.split('?', 2) as [string, string | undefined];
      const request = { host, port, path: before, inside, ...(query === undefined ? {} : { query }) };
      const outcome = choose(host, port)?.ask(request);
      answers.set(key, outcome);
      return outcome;
    },
    mainPort(host) {
      const tls = ports(host, true);
      if (tls.includes(443)) return 443;
      return tls.find((port) => port !== 8448) ?? tls[0] ?? ports(host, false)[0];
    },
  };
}

/** The first of those that fit best; none that fits less well than `least`. */
function best(sites: readonly Site[], host: string, port: number, least = 1): Site | undefined {
  let [found, rank]: [Site | undefined, number] = [undefined, least - 1];
  for (const site of sites) {
    const one = site.rank(host, port);
    if (one > rank) [found, rank] = [site, one];
  }
  return found;
}

/** Whether a site without a name takes Matrix requests for any host. */
function catchesMatrix(site: Site, port: number): boolean {
  if (!isNameless(site)) return false;
  const ask = (path: string): Outcome => site.ask({ host: 'unknown.invalid', port, path });
  return MAIN_PATHS.some((path) => ask(path).do === 'proxy') || ask(`${WELL_KNOWN}server`).do === 'answer';
}

/** Whether its names, if it has any, stand for every host. */
export function isNameless({ names }: Site): boolean {
  return names.every((name) => name === '_' || name === '' || name === 'localhost');
}

/** A host name as it stands: no wildcard, no regular expression, no catch-all, no variable. */
export function isExactName(name: string): boolean {
  if (!EXACT.test(name) || /(^|\.)localhost$/.test(name)) return false;
  const parsed = parseServerName(name);
  return (
    parsed.ok &&
    parsed.value.kind === 'dns' &&
    parsed.value.host.includes('.') &&
    whyNotInDns(parsed.value) === undefined
  );
}
