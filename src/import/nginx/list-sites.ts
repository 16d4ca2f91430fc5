import { isAbsolute, resolve } from 'node:path';
import type { PatternMatcher } from '../pattern-matcher.ts';
import type { Place } from '../place.ts';
import type { Site, SiteCertificate, SiteListen, SiteNote } from '../site.ts';
import type { SourceFiles } from '../source-files.ts';
import { askServer, type NginxWorld } from './ask-server.ts';
import { type Directive, findDirective, listDirectives } from './directive.ts';
import { listLocations } from './find-location.ts';
import { listNotes } from './list-notes.ts';
import { listTargets } from './list-targets.ts';
import { readListen } from './read-listen.ts';
import { findInherited, isOn } from './scope.ts';

/** What nginx's configuration has beside sites. */
export interface NginxSites {
  readonly sites: readonly Site[];
  /** Blocks of other modules: stream, mail. */
  readonly foreign: readonly SiteNote[];
  /** set_real_ip_from, where nginx is behind another proxy. */
  readonly proxies: readonly { readonly network: string; readonly place: Place; readonly by: 'header' | 'protocol' }[];
}

interface Deps {
  readonly matcher: PatternMatcher;
  readonly files: SourceFiles;
  /** Where relative paths start: the folder of the main file. */
  readonly root: string;
}

/** The sites of a configuration: of whole ones as of the files of single sites, or of locations alone. */
export function listNginxSites(directives: readonly Directive[], deps: Deps): NginxSites {
  const http = directives.flatMap((one) => (one.name === 'http' && one.block !== undefined ? one.block : [one]));
  const byArgument = (name: string, index: number) =>
    new Map(listDirectives(http, name).map((one) => [(one.args[index] ?? '').replace(/^\$/, '').toLowerCase(), one]));
  const maps = new Map(listDirectives(http, 'map').map((one) => [(one.args[1] ?? '').replace(/^\$/, ''), one]));
  // What servers inherit; they themselves are many, and looked through again and again.
  const inherited = http.filter(({ name, block }) => block === undefined || name === 'types');
  const world: NginxWorld = { http: inherited, upstreams: byArgument('upstream', 0), maps, ...deps };
  const servers = listDirectives(http, 'server').filter(({ block }) => block !== undefined);
  // What an admin pastes into a form of a web interface is the inside of a server block.
  const loose = servers.length === 0 && http.some(({ name }) => name === 'location');
  const all = loose ? [wrapLoose(http)] : servers;
  const foreign = directives.filter(({ name, block }) => block !== undefined && (name === 'stream' || name === 'mail'));
  return {
    sites: all.map((server) => createSite(server, world, deps.root)),
    foreign: foreign.map(({ name, place }) => ({
      place,
      what: `is a ${name} block, which has nothing to do with HTTP`,
    })),
    proxies: all.flatMap((server) => listProxies(server, world)),
  };
}

function wrapLoose(http: readonly Directive[]): Directive {
  const place = http.find(({ name }) => name === 'location')!.place;
  const listen: Directive = { name: 'listen', args: ['443', 'ssl'], place, block: undefined };
  return { name: 'server', args: [], place, block: [listen, ...http] };
}

function createSite(server: Directive, world: NginxWorld, root: string): Site {
  const block = server.block ?? [];
  const scope = [block, world.http];
  const legacyTls = isOn(scope, 'ssl', false);
  const written = listDirectives(block, 'listen').map((one) => readListen(one, legacyTls));
  const port80: SiteListen = { host: undefined, port: 80, tls: false, proxyProtocol: false, place: server.place };
  const listens = written.length === 0 ? [port80] : written.filter((one) => one !== undefined);
  const isDefault = listDirectives(block, 'listen').some(({ args }) =>
    args.some((arg) => arg === 'default_server' || arg === 'default'),
  );
  const names = listDirectives(block, 'server_name').flatMap(({ args }) => args.flatMap(splitDotName));
  const serverName = names[0] ?? '';
  const exact = new Set(names);
  const patterns = names.filter((name) => /^~|^\*\.|\.\*$/.test(name));
  const ports = new Set(listens.map(({ port }) => port));
  const tlsPorts = new Set(listens.filter(({ tls }) => tls).map(({ port }) => port));
  return {
    place: server.place,
    names,
    listens,
    certificates: listCertificates(scope, root),
    http2: isOn(scope, 'http2', false) || listDirectives(block, 'listen').some(({ args }) => args.includes('http2')),
    rank(host, port) {
      if (!ports.has(port)) return 0;
      if (exact.has(host)) return 1_000_000;
      const best = Math.max(0, ...patterns.map((name) => rankPattern(name, host, world.matcher)));
      return best > 0 ? best : isDefault ? 2 : 1;
    },
    ask: (request) => askServer(server, { ...request, tls: tlsPorts.has(request.port), serverName }, world),
    targets: listTargets(server, world),
    documents: listDocuments(block),
    notes: listNotes(server),
  };
}

/** `.example.com` is short for two names. */
function splitDotName(name: string): readonly string[] {
  const lower = name.startsWith('~') ? name : name.toLowerCase();
  return lower.startsWith('.') ? [lower.slice(1), `*${lower}`] : [lower];
}

/** nginx's order after the name itself: the longest wildcard before it, the longest one after it, regular expressions. */
function rankPattern(name: string, host: string, matcher: PatternMatcher): number {
  if (name.startsWith('*.')) return host.endsWith(name.slice(1)) ? 10_000 + name.length : 0;
  if (name.endsWith('.*')) return host.startsWith(name.slice(0, -1)) ? 1000 + name.length : 0;
  return name.startsWith('~') && matcher.match(name.slice(1), 'i', host) !== undefined ? 10 : 0;
}

function listCertificates(scope: readonly (readonly Directive[])[], root: string): SiteCertificate[] {
  const level = scope.find((block) => findDirective(block, 'ssl_certificate') !== undefined) ?? [];
  const keys = listDirectives(level, 'ssl_certificate_key');
  const absolute = (path: string): string => (isAbsolute(path) ? path : resolve(root, path));
  return listDirectives(level, 'ssl_certificate').flatMap(({ args, place }, index) => {
    const [cert = '', key = ''] = [args[0], keys[index]?.args[0]];
    // By variable: a file for each name, of which nobody knows which.
    return cert === '' || key === '' || cert.includes('$') || key.includes('$')
      ? []
      : [{ cert: absolute(cert), key: absolute(key), place }];
  });
}

/** Names of documents that locations name one by one. */
function listDocuments(block: readonly Directive[]): readonly string[] {
  const names = listLocations(block).flatMap(
    ({ match }) => /^\/\.well-known\/matrix\/([\w.-]+)$/.exec(match)?.[1] ?? [],
  );
  return [...new Set(names)];
}

function listProxies(server: Directive, world: NginxWorld): NginxSites['proxies'] {
  const scope = [server.block ?? [], world.http];
  const by =
    findInherited(scope, 'real_ip_header')?.args[0]?.toLowerCase() === 'proxy_protocol' ? 'protocol' : 'header';
  return scope.flatMap((block) =>
    listDirectives(block, 'set_real_ip_from').flatMap(({ args, place }) =>
      args[0] === undefined || args[0] === 'unix:' ? [] : [{ network: args[0], place, by } as const],
    ),
  );
}
