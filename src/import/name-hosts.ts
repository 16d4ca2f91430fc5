import { parseServerName } from '../matrix/server-name.ts';
import { BY_NAME, isExactName, isNameless } from './hosts.ts';
import { MAIN_PATHS, WELL_KNOWN } from './matrix-paths.ts';
import type { Outcome, Site } from './site.ts';

/** Hosts that no site names exactly. */
export interface NamedHosts {
  readonly hosts: readonly string[];
  /** Sites for whose names there is nothing to go by, and the names that were put in their place. */
  readonly invented: ReadonlyMap<Site, string>;
}

/** RFC 2606: nobody's. */
const NOBODY = 'unknown.invalid';

/**
 * Which hosts sites with `matrix.*`, `_` or no name at all are for: what their documents, their certificates (`covered`,
 * by site) or the command line say, else a name out of the documentation, to be replaced.
 */
export function nameHosts(
  sites: readonly Site[],
  serverName: string | undefined,
  covered: (site: Site) => readonly string[],
): NamedHosts {
  const others = sites.filter((site) => site.names.some(isExactName) && concernsMatrix(site));
  const said = sites.flatMap(listDocumentHosts);
  const hosts = new Set<string>();
  const invented = new Map<Site, string>();
  for (const site of sites) {
    if (site.names.some(isExactName) || !concernsMatrix(site)) continue;
    const given = serverName === undefined ? [] : [serverName, `matrix.${serverName}`];
    const pool = [...given, ...said, ...covered(site).filter(isExactName)];
    const fits = [...new Set(pool)].filter((host) => isFor(site, host));
    for (const host of fits) hosts.add(host);
    // Beside sites with names, one without is for their hosts on another port.
    if (fits.length > 0 || (isNameless(site) && others.length > 0)) continue;
    const host = inventName(site);
    invented.set(site, host);
    hosts.add(host);
  }
  return { hosts: [...hosts], invented };
}

function isFor(site: Site, host: string): boolean {
  const enough = isNameless(site) ? 1 : BY_NAME;
  return site.listens.some(({ port }) => site.rank(host, port) >= enough);
}

function concernsMatrix(site: Site): boolean {
  const named = site.targets.some(({ where }) => where.includes('_matrix'));
  const document = ask(site, `${WELL_KNOWN}server`);
  return (
    named ||
    (document?.do === 'answer' && document.status < 300 && document.body !== '') ||
    MAIN_PATHS.some((path) => ask(site, path)?.do === 'proxy')
  );
}

function ask(site: Site, path: string): Outcome | undefined {
  const listen = site.listens.find(({ tls }) => tls) ?? site.listens[0];
  return listen === undefined ? undefined : site.ask({ host: NOBODY, port: listen.port, path });
}

function listDocumentHosts(site: Site): readonly string[] {
  const hosts: string[] = [];
  for (const name of ['server', 'client']) {
    const outcome = ask(site, WELL_KNOWN + name);
    if (outcome?.do !== 'answer' || outcome.body === undefined) continue;
    for (const [, text = ''] of outcome.body.matchAll(/"(?:m\.server|base_url)"\s*:\s*"(?:https:\/\/)?([^"/]+)/g)) {
      const parsed = parseServerName(text);
      if (parsed.ok && parsed.value.host !== NOBODY) hosts.push(parsed.value.host);
    }
  }
  return hosts;
}

function inventName(site: Site): string {
  for (const name of site.names) {
    if (name.endsWith('.*')) return `${name.slice(0, -2)}.example.com`;
    if (name.startsWith('*.') && isExactName(name.slice(2))) return `matrix${name.slice(1)}`;
  }
  return 'example.com';
}
