import type { Upstream } from '../base/address.ts';
import type { System } from '../base/system.ts';
import type { Config, ServerConfig } from '../config/config.ts';
import { createUpstreamConnections, type UpstreamConnections } from '../forward/upstream-connections.ts';
import { compileEndpoints } from '../matrix/endpoints.ts';
import { deriveWellKnown, renderWellKnown } from '../matrix/well-known.ts';
import type { RoutedServer } from '../route/decision.ts';
import type { RedirectFacts } from '../route/redirect-location.ts';
import { createRouter, type Router } from '../route/route-request.ts';
import { chooseIdentity } from './tester-identity.ts';

/** Everything that a request needs of one configuration, built once for it and replaced as a whole. */
export interface Runtime {
  readonly config: Config;
  readonly route: Router;
  readonly redirect: RedirectFacts;
  connectionsTo(upstream: Upstream): UpstreamConnections;
}

/**
 * Builds a runtime. Connections to an upstream that the runtime before had too are carried over: a reload costs
 * the homeserver no new connection.
 */
export function createRuntime(config: Config, system: System, before?: Runtime): Runtime {
  const upstreams = new Map<string, UpstreamConnections>();
  for (const upstream of listUpstreams(config)) {
    const carried = before !== undefined && listUpstreams(before.config).some((old) => old.text === upstream.text);
    upstreams.set(
      upstream.text,
      carried ? before.connectionsTo(upstream) : createUpstreamConnections(upstream, { system }),
    );
  }
  return {
    config,
    route: createRouter({
      servers: config.servers.map((server) => toRoutedServer(server, config)),
      endpoints: compileEndpoints(),
      federationPort: config.routes.federationPort,
      adminApiFrom: config.routes.adminApiFrom,
      testerIdentity: chooseIdentity(config)?.text,
      testerIsPublic: config.federationTester.public,
    }),
    redirect: {
      httpsPorts: config.listen.https.map((address) => address.port),
      fallback: config.servers[0]!.serverName,
    },
    connectionsTo(upstream) {
      return upstreams.get(upstream.text)!;
    },
  };
}

/** Every upstream that a configuration names, once. */
export function listUpstreams(config: Config): Upstream[] {
  const all = config.servers.flatMap((server) =>
    server.website === undefined ? [server.homeserver] : [server.homeserver, server.website],
  );
  return [...new Map(all.map((upstream) => [upstream.text, upstream])).values()];
}

/** Lets go of the upstreams of a runtime but for those that the next one has as well. What is in use finishes. */
export function closeUpstreams(runtime: Runtime, next?: Runtime): void {
  const kept = new Set(next === undefined ? [] : listUpstreams(next.config).map((upstream) => upstream.text));
  for (const upstream of listUpstreams(runtime.config)) {
    if (!kept.has(upstream.text)) runtime.connectionsTo(upstream).close();
  }
}

function toRoutedServer(server: ServerConfig, config: Config): RoutedServer {
  const documents = deriveWellKnown({
    serverName: server.serverName,
    delegateTo: server.delegateTo,
    delegateBy: server.delegateBy,
    httpsPorts: config.listen.https.map((address) => address.port),
    additions: server.wellKnown,
  });
  return {
    name: server.serverName.text,
    hosts:
      server.delegateTo === undefined ? [server.serverName.host] : [server.serverName.host, server.delegateTo.host],
    homeserver: server.homeserver,
    website: server.website,
    wellKnown: new Map(Object.entries(documents).map(([name, document]) => [name, renderWellKnown(document)])),
  };
}
