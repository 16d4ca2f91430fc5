import type { Upstream } from '../base/address.ts';
import type { Config, ServerConfig, WorkersConfig } from '../config/config.ts';
import { hasName } from '../forward/instance.ts';
import { compileEndpoints } from '../matrix/endpoints.ts';
import { compileWorkerRoutes } from '../matrix/match-worker-route.ts';
import { deriveWellKnown, renderWellKnown } from '../matrix/well-known.ts';
import type { PoolName } from '../matrix/worker-pools.ts';
import { WORKER_ROUTES } from '../matrix/worker-routes.ts';
import { compileBlockedServers } from '../route/blocked-servers.ts';
import { createPoolChooser, type PoolChooser } from '../route/choose-pool.ts';
import type { RoutedServer } from '../route/decision.ts';
import { createRouter, type Router } from '../route/route-request.ts';
import { chooseIdentity } from './tester-identity.ts';

/** The routes of one configuration: what `serve` goes by, and `explain` as well. Pure. */
export function createRoutes(config: Config): Router {
  return createRouter({
    servers: config.servers.map((server) => toRoutedServer(server, config)),
    endpoints: compileEndpoints(),
    federationPort: config.routes.federationPort,
    adminApiFrom: config.routes.adminApiFrom,
    testerIdentity: chooseIdentity(config)?.text,
    testerIsPublic: config.federationTester.public,
    blockedNetworks: config.routes.blockedNetworks,
    blockedServers: compileBlockedServers(config.routes.blockedServers),
  });
}

function toRoutedServer(server: ServerConfig, config: Config): RoutedServer {
  const documents = deriveWellKnown({
    serverName: server.serverName,
    delegateTo: server.delegateTo,
    delegateBy: server.delegateBy,
    httpsPorts: config.listen.https.map((address) => address.port),
    rtc: server.rtc,
    additions: server.wellKnown,
  });
  return {
    name: server.serverName.text,
    hosts:
      server.delegateTo === undefined ? [server.serverName.host] : [server.serverName.host, server.delegateTo.host],
    homeserver: server.homeserver,
    pools: server.workers === undefined ? undefined : createChooser(server.workers),
    website: server.website,
    mas: server.mas,
    rtc: server.rtc,
    wellKnown: new Map(Object.entries(documents).map(([name, document]) => [name, renderWellKnown(document)])),
  };
}

function createChooser({ pools }: WorkersConfig): PoolChooser {
  // A name may turn out to lead to several.
  const count = (places: readonly Upstream[]): number => Math.max(places.length, places.some(hasName) ? 2 : 1);
  const counts = Object.entries(pools).map(([pool, places]) => [pool as PoolName, count(places)] as const);
  return createPoolChooser(new Map(counts), WORKER_ROUTES, compileWorkerRoutes(WORKER_ROUTES));
}
