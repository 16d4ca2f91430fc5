import { parseBindAddress } from '../../base/address.ts';
import { isJsonObject, type JsonObject } from '../../matrix/json.ts';
import { brokenText } from '../import-error.ts';
import type { Place } from '../place.ts';
import type { Site } from '../site.ts';
import type { CaddyWorld } from './ask-routes.ts';
import { createCaddySite } from './list-sites.ts';
import { readJsonHandler } from './read-json-handler.ts';
import { listObjects, listTexts, memberOf, textOf } from './read-members.ts';
import type { CaddyMatch, CaddyRoute } from './route.ts';

/** Routes in routes. */
const DEEPEST = 64;

/** The sites of Caddy's JSON configuration: one for each host, or set of hosts, that a server's routes name. */
export function listJsonSites(
  text: string,
  file: string,
  world: CaddyWorld,
): { readonly sites: readonly Site[]; readonly config: JsonObject } {
  const place: Place = { file, line: undefined };
  const hint = 'Name the file that caddy adapt prints, or the Caddyfile itself.';
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch {
    throw brokenText(place, 'this is no JSON', hint);
  }
  if (!isJsonObject(config)) throw brokenText(place, 'this is JSON, but no configuration of Caddy', hint);
  const apps = memberOf(config, 'apps');
  const servers = memberOf(memberOf(apps, 'http'), 'servers');
  const files = listObjects(memberOf(memberOf(apps, 'tls'), 'certificates')['load_files']);
  const certificates = files.flatMap((one) => {
    const [cert, key] = [textOf(one['certificate']), textOf(one['key'])];
    return cert === undefined || key === undefined ? [] : [{ cert, key, place }];
  });
  const sites = Object.values(servers)
    .filter(isJsonObject)
    .flatMap((server) => {
      const listens = listTexts(server['listen'])
        .map(readListen)
        .filter((listen) => listen !== undefined);
      const off =
        memberOf(server, 'automatic_https')['disable'] === true && server['tls_connection_policies'] === undefined;
      const routes = listObjects(server['routes']).map((route) => readRoute(route, place, 0));
      return routes.map((route) => {
        const hosts = [...new Set(route.match.flatMap((match) => match.hosts ?? []))];
        const addresses = listens.flatMap((port) =>
          (hosts.length === 0 ? [''] : hosts).map((host) => ({
            host: host.toLowerCase(),
            port,
            tls: port !== 80 && !off,
          })),
        );
        return createCaddySite({ place, addresses, routes: [route], certificates, notes: [] }, world);
      });
    });
  return { sites, config };

  function readRoute(route: JsonObject, at: Place, depth: number): CaddyRoute {
    if (depth > DEEPEST) throw brokenText(place, `routes are nested more than ${DEEPEST} deep`, hint);
    const group = textOf(route['group']);
    return {
      match: listObjects(route['match']).map(readMatch),
      handle: listObjects(route['handle']).flatMap((one) => {
        const inner = listObjects(one['routes']);
        if (one['handler'] === 'subroute')
          return [{ do: 'subroute' as const, routes: inner.map((each) => readRoute(each, at, depth + 1)) }];
        return readJsonHandler(one, at);
      }),
      group,
      terminal: route['terminal'] === true,
    };
  }
}

function readListen(text: string): number | undefined {
  const parsed = parseBindAddress(text.replace(/^tcp\//, '').replace(/^:/, '*:'));
  return parsed.ok && parsed.value.port > 0 ? parsed.value.port : undefined;
}

const KNOWN = new Set(['host', 'path', 'path_regexp', 'method', 'not', 'remote_ip', 'client_ip']);

function readMatch(one: JsonObject): CaddyMatch {
  const pattern = textOf(memberOf(one, 'path_regexp')['pattern']);
  const networks = [
    ...listTexts(memberOf(one, 'remote_ip')['ranges']),
    ...listTexts(memberOf(one, 'client_ip')['ranges']),
  ];
  return {
    ...(one['host'] === undefined ? {} : { hosts: listTexts(one['host']) }),
    ...(one['path'] === undefined ? {} : { paths: listTexts(one['path']) }),
    ...(pattern === undefined ? {} : { pattern }),
    ...(one['method'] === undefined ? {} : { methods: listTexts(one['method']) }),
    ...(one['not'] === undefined
      ? {}
      : { not: listObjects(one['not']).map((inner) => readMatch({ ...inner, not: undefined })) }),
    ...(networks.length === 0 ? {} : { networks }),
    ...(Object.keys(one).every((key) => KNOWN.has(key)) ? {} : { unknown: true }),
  };
}
