import { parseCidr } from '../base/cidr.ts';
import type { Finding } from '../base/finding.ts';
import type { FoundServer } from './find-servers.ts';
import type { Hosts } from './hosts.ts';
import { hostsOf } from './lint-passing.ts';
import { involvedSites } from './list-leftovers.ts';
import { ADMIN_PATH, CLIENT_PATH } from './matrix-paths.ts';
import type { Place } from './place.ts';
import type { SiteListen } from './site.ts';
import { entry, type YamlEntry } from './yaml-entry.ts';

/** A proxy in front, and how it says who the client is. */
export interface FrontProxy {
  readonly network: string;
  readonly place: Place;
  readonly by: 'header' | 'protocol';
}

export interface PlannedListen {
  /** The ports of the https listener. */
  readonly httpsPorts: readonly number[];
  readonly sections: readonly YamlEntry[];
  readonly findings: readonly Finding[];
}

/** Listeners and routes, where they are other than the sidecar's defaults. */
export function planListen(
  hosts: Hosts,
  servers: readonly FoundServer[],
  proxies: readonly FrontProxy[],
): PlannedListen {
  const listens = involvedSites(hosts, servers).flatMap((site) => site.listens.filter(({ tls }) => tls));
  const https = listens.filter(({ port }) => port !== 8448);
  const federation = listens.filter(({ port }) => port === 8448);
  const listen: [string, unknown][] = [];
  if (https.length > 0) addListener(listen, 'https', https, 443);
  if (federation.length > 0) addListener(listen, 'federation', federation, 8448);
  const findings: Finding[] = [];
  const fronted = planProxies(listens, proxies, findings);
  if (fronted.protocol.length > 0) listen.push(['proxy_protocol_from', fronted.protocol]);
  const routes = [
    ...planRoutes(hosts, servers, findings),
    ...(fronted.header.length > 0 ? [['trusted_proxies', fronted.header] as const] : []),
  ];
  const sections: YamlEntry[] = [];
  if (listen.length > 0) sections.push(entry('listen', Object.fromEntries(listen), undefined));
  if (routes.length > 0) sections.push(entry('routes', Object.fromEntries(routes), undefined));
  return { httpsPorts: https.length > 0 ? [...new Set(https.map(({ port }) => port))] : [443], sections, findings };
}

function addListener(into: [string, unknown][], name: string, listens: readonly SiteListen[], usual: number): void {
  const everywhere = new Set(listens.filter(({ host }) => host === undefined).map(({ port }) => port));
  const written = listens.flatMap(({ host, port }): (number | string)[] =>
    host === undefined ? [port] : everywhere.has(port) ? [] : [`${host}:${port}`],
  );
  const distinct: (number | string)[] = [...new Set<number | string>(written)];
  if (distinct.length === 1 && distinct[0] === usual) return;
  into.push([name, distinct.length === 1 ? distinct[0] : distinct]);
}

function planProxies(listens: readonly SiteListen[], proxies: readonly FrontProxy[], findings: Finding[]) {
  const protocolUsed = listens.find(({ proxyProtocol }) => proxyProtocol);
  const networks = (by: FrontProxy['by']): readonly string[] => [
    ...new Set(proxies.filter((one) => one.by === by && parseCidr(one.network).ok).map(({ network }) => network)),
  ];
  const protocol = protocolUsed === undefined ? [] : networks('protocol');
  if (protocolUsed !== undefined && protocol.length === 0) {
    findings.push({
      id: 'import-proxy-protocol',
      severity: 'error',
      place: protocolUsed.place,
      what: 'Connections begin with a PROXY protocol header here, and nothing says from which addresses they come.',
      fix: 'Write the addresses of the load balancer:',
      lines: ['listen:', '  proxy_protocol_from: [192.0.2.10]'],
    });
  }
  return { protocol, header: networks('header') };
}

function planRoutes(
  hosts: Hosts,
  servers: readonly FoundServer[],
  findings: Finding[],
): (readonly [string, unknown])[] {
  const routes: (readonly [string, unknown])[] = [];
  const names = [...hostsOf(servers)];
  const clients = names.map((host) =>
    hosts.ports(host, true).includes(8448) ? hosts.ask(host, 8448, CLIENT_PATH) : undefined,
  );
  const open = clients.find((one) => one?.do === 'proxy');
  if (open !== undefined) {
    routes.push(['federation_port', 'all']);
    findings.push({
      id: 'import-clients-on-8448',
      severity: 'info',
      place: open.place,
      what: 'Clients can come by port 8448 as well, and the YAML keeps that (routes.federation_port: all).',
      fix: 'If none does, remove the line: the port then serves other servers only.',
    });
  }
  const allowed = names.flatMap((host) => {
    const port = hosts.mainPort(host);
    const outcome = port === undefined ? undefined : hosts.ask(host, port, ADMIN_PATH, true);
    return outcome?.do === 'proxy' ? (outcome.way.allowed ?? []) : [];
  });
  const networks = [...new Set(allowed)].filter((network) => parseCidr(network).ok);
  if (networks.length > 0) routes.push(['admin_api_from', networks]);
  return routes;
}
