import { isAbsolute, resolve } from 'node:path';
import type { Place } from '../place.ts';
import type { Site, SiteCertificate, SiteListen, SiteNote, SiteTarget } from '../site.ts';
import { askRoutes, type CaddyWorld } from './ask-routes.ts';
import { matchesHost } from './match-request.ts';
import type { Caddyfile, Segment } from './parse-caddyfile.ts';
import { readDial } from './read-dial.ts';
import { readDirectives } from './read-directives.ts';
import { readNamedMatchers } from './read-matcher.ts';
import type { CaddyMatch, CaddyRoute } from './route.ts';
import { readSiteAddress, type SiteAddress } from './site-address.ts';

const NOTED: Readonly<Record<string, string>> = {
  basicauth: 'asks for a password (basicauth), which the sidecar does not',
  basic_auth: 'asks for a password (basic_auth), which the sidecar does not',
  forward_auth: 'asks another server who may come (forward_auth), which the sidecar does not',
  rate_limit: 'limits requests (rate_limit); the sidecar has limits.requests_per_client and requests_per_origin',
};

/** The sites of a Caddyfile. */
export function listCaddySites(caddyfile: Caddyfile, world: CaddyWorld, folder: string): readonly Site[] {
  return caddyfile.sites.flatMap((segment) => {
    const addresses = segment.words
      .flatMap(({ text }) => text.split(','))
      .map(readSiteAddress)
      .filter((address) => address !== undefined);
    const block = segment.block ?? [];
    addMatchedHosts(addresses, block);
    const routes = readDirectives(block, { routes: caddyfile.routes, matchers: new Map(), depth: 0 }, true);
    const { place } = segment;
    return addresses.length === 0
      ? []
      : [
          createCaddySite(
            { place, addresses, routes, certificates: listCertificates(block, folder), notes: listNotes(block) },
            world,
          ),
        ];
  });
}

export interface CaddySiteFacts {
  readonly place: Place;
  readonly addresses: readonly SiteAddress[];
  readonly routes: readonly CaddyRoute[];
  readonly certificates: readonly SiteCertificate[];
  readonly notes: readonly SiteNote[];
}

/** A site out of its routes. */
export function createCaddySite(
  { place, addresses, routes, certificates, notes }: CaddySiteFacts,
  world: CaddyWorld,
): Site {
  const ports = new Map(addresses.map(({ port, tls }) => [port, tls]));
  const listens = [...ports].map(
    ([port, tls]): SiteListen => ({ host: undefined, port, tls, proxyProtocol: false, place }),
  );
  return {
    place,
    names: [...new Set(addresses.map(({ host }) => host).filter((host) => host !== ''))],
    listens,
    certificates,
    http2: true,
    rank(host, port) {
      const own = addresses.filter((address) => address.port === port);
      if (own.some((address) => address.host === host)) return 1_000_000;
      if (own.some((address) => address.host.startsWith('*.') && matchesHost(address.host, host))) return 10_000;
      return own.some((address) => address.host === '') ? 1 : 0;
    },
    ask: (request) => askRoutes(routes, request, place, world),
    targets: listTargets(routes, ''),
    documents: listDocuments(routes),
    notes,
  };
}

/** A site for `*.example.com` says in its matchers which hosts there are. */
function addMatchedHosts(addresses: SiteAddress[], block: readonly Segment[]): void {
  const hosts = [...readNamedMatchers(block).values()]
    .flatMap((match) => match.hosts ?? [])
    .map((host) => host.toLowerCase());
  for (const wild of addresses.filter(({ host }) => host.startsWith('*.'))) {
    for (const host of new Set(hosts))
      if (!host.includes('*') && matchesHost(wild.host, host)) addresses.push({ ...wild, host });
  }
}

function listCertificates(block: readonly Segment[], folder: string): SiteCertificate[] {
  const absolute = (path: string): string => (isAbsolute(path) ? path : resolve(folder, path));
  return block.flatMap(({ words, place }) => {
    const [name, cert, key] = words.map(({ text }) => text);
    return name === 'tls' && cert !== undefined && key !== undefined
      ? [{ cert: absolute(cert), key: absolute(key), place }]
      : [];
  });
}

function listNotes(block: readonly Segment[]): readonly SiteNote[] {
  const found = new Map<string, SiteNote>();
  visit(block);
  return [...found.values()];

  function visit(segments: readonly Segment[]): void {
    for (const { words, place, block: inner } of segments) {
      const name = words[0]?.text ?? '';
      if (Object.hasOwn(NOTED, name) && !found.has(name)) found.set(name, { place, what: NOTED[name]! });
      if (inner !== undefined) visit(inner);
    }
  }
}

function listTargets(routes: readonly CaddyRoute[], outer: string): readonly SiteTarget[] {
  return routes.flatMap(({ match, handle }) => {
    const where = match.length === 0 ? outer : match.map(describeMatch).join(' or ');
    return handle.flatMap((handler): readonly SiteTarget[] => {
      if (handler.do === 'subroute') return listTargets(handler.routes, where);
      if (handler.do !== 'proxy') return [];
      const [text, ...others] = handler.dial.map((dial) => readDial(dial, handler.tls));
      if (text === undefined || text.includes('{')) return [];
      return [
        {
          place: handler.place,
          where: where === '' ? 'everything' : where,
          target: { text, tls: handler.tls, others },
        },
      ];
    });
  });
}

function describeMatch({ paths, pattern, hosts }: CaddyMatch): string {
  return (
    [...(hosts ?? []), ...(paths ?? []), ...(pattern === undefined ? [] : [`path_regexp ${pattern}`])].join(' ') ||
    'a matcher'
  );
}

function listDocuments(routes: readonly CaddyRoute[]): readonly string[] {
  const names = routes.flatMap(({ match, handle }) => [
    ...match.flatMap(({ paths }) =>
      (paths ?? []).flatMap((path) => /^\/\.well-known\/matrix\/([\w.-]+)$/.exec(path)?.[1] ?? []),
    ),
    ...handle.flatMap((handler) => (handler.do === 'subroute' ? listDocuments(handler.routes) : [])),
  ]);
  return [...new Set(names)];
}
