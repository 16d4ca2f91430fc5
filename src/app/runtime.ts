import { isDeepStrictEqual } from 'node:util';
import type { UpstreamPool } from '../base/address.ts';
import type { Log } from '../base/log.ts';
import type { System } from '../base/system.ts';
import type { Config, ServerConfig } from '../config/config.ts';
import type { Hold } from '../forward/hold.ts';
import { createLastGood, type LastGood } from '../forward/last-good.ts';
import type { Names } from '../forward/names.ts';
import type { UpstreamConnections } from '../forward/upstream-connections.ts';
import type { Metrics } from '../observe/metrics.ts';
import type { RedirectFacts } from '../route/redirect-location.ts';
import type { Router } from '../route/route-request.ts';
import { type Admissions, createAdmissions } from './admit-request.ts';
import { connectUpstream, resolveUpstreams } from './connect-upstream.ts';
import { createRoutes } from './create-routes.ts';
import { holdRequests } from './hold-requests.ts';
import { listServices } from './list-services.ts';
import { createWorkers, type Workers } from './workers.ts';

/** Everything that a request needs of one configuration, built once for it and replaced as a whole. */
export interface Runtime {
  readonly config: Config;
  readonly route: Router;
  readonly redirect: RedirectFacts;
  connectionsTo(upstream: UpstreamPool): UpstreamConnections;
  /** Where requests to a homeserver, or to a service beside it, wait while it is away; undefined for websites. */
  holdOf(upstream: UpstreamPool): Hold | undefined;
  readonly admissions: Admissions;
  /** What the upstreams' names lead to. */
  readonly names: Names;
  /** What a server's homeserver said last; by its server name. */
  lastGoodOf(serverName: string): LastGood | undefined;
  readonly workers: Workers;
}

export interface RuntimeDeps {
  readonly system: System;
  readonly log: Log;
  readonly metrics: Metrics;
  /** A connection could not be opened because no file descriptor was left. */
  readonly onExhausted?: () => void;
}

/**
 * Builds a runtime. Connections to an upstream that the runtime before had too are carried over: a reload costs
 * the homeserver no new connection.
 */
export function createRuntime(config: Config, deps: RuntimeDeps, before?: Runtime): Runtime {
  const names = before?.names ?? resolveUpstreams(deps);
  const upstreams = new Map<string, UpstreamConnections>();
  const holds = new Map<string, Hold>();
  const documents = new Map<string, LastGood>();
  const refresh = (upstream: UpstreamPool): void => {
    for (const { serverName, homeserver } of config.servers) {
      if (homeserver.text === upstream.text) documents.get(serverName.text)?.refresh();
    }
  };
  const who = new Map([
    ...config.servers.flatMap(listServices).map(({ name, upstream }) => [upstream.text, `The ${name}`] as const),
    ...config.servers.map(({ homeserver }) => [homeserver.text, 'The homeserver'] as const),
  ]);
  for (const upstream of listUpstreams(config)) {
    const carried = before !== undefined && listUpstreams(before.config).some((old) => old.text === upstream.text);
    const connections = carried ? before.connectionsTo(upstream) : connectUpstream(upstream, { ...deps, names });
    upstreams.set(upstream.text, connections);
    const name = who.get(upstream.text);
    if (name === undefined) continue;
    holds.set(
      upstream.text,
      (carried ? before.holdOf(upstream) : undefined) ??
        holdRequests(connections, { ...deps, who: name, onBack: () => refresh(upstream) }),
    );
  }
  for (const server of config.servers) {
    const { text } = server.serverName;
    const old = before?.config.servers.find((one) => one.serverName.text === text);
    const carried = old?.homeserver.text === server.homeserver.text ? before?.lastGoodOf(text) : undefined;
    const connections = upstreams.get(server.homeserver.text)!;
    const { system } = deps;
    const hold = holds.get(server.homeserver.text)!;
    const at = server.homeserver.text;
    const onUnanswered = (why: string): void => suspect(hold, `The homeserver at ${at} cannot be reached: ${why}.`);
    documents.set(text, carried ?? createLastGood({ serverName: text, connections }, { system, onUnanswered }));
  }
  const mainOf = ({ homeserver }: ServerConfig) => ({
    connections: upstreams.get(homeserver.text)!,
    hold: holds.get(homeserver.text)!,
  });
  return {
    config,
    names,
    workers: createWorkers(config, { ...deps, names, mainOf }, before?.workers),
    // Under another limit, what is under way is counted anew.
    admissions:
      before !== undefined && isDeepStrictEqual(before.config.limits, config.limits)
        ? before.admissions
        : createAdmissions(config.limits),
    route: createRoutes(config),
    redirect: {
      httpsPorts: config.listen.https.map((address) => address.port),
      fallback: config.servers[0]!.serverName,
    },
    connectionsTo(upstream) {
      return upstreams.get(upstream.text)!;
    },
    holdOf: (upstream) => holds.get(upstream.text),
    lastGoodOf: (serverName) => documents.get(serverName),
  };
}

/**
 * What nobody asks for anything is away all the same: it is asked whether it is well, as after a lost request. `why` is the
 * sentence for when it is not.
 */
export function suspect(hold: Hold, why: string): void {
  hold.check((here) => {
    if (!here) hold.lost(why);
  }, true);
}

/** Every upstream that a configuration names, once. */
export function listUpstreams(config: Config): UpstreamPool[] {
  const all = config.servers.flatMap((server) => {
    const { homeserver, website } = server;
    const services = listServices(server).map(({ upstream }) => upstream);
    return [homeserver, ...services, ...(website === undefined ? [] : [website])];
  });
  return [...new Map(all.map((upstream) => [upstream.text, upstream])).values()];
}

/** Lets go of the upstreams of a runtime but for those that the next one has as well. What is in use finishes. */
export function closeUpstreams(runtime: Runtime, next?: Runtime): void {
  for (const { serverName } of runtime.config.servers) {
    const documents = runtime.lastGoodOf(serverName.text);
    if (documents !== next?.lastGoodOf(serverName.text)) documents?.close();
  }
  runtime.workers.close(next?.workers);
  const kept = new Set(next === undefined ? [] : listUpstreams(next.config).map((upstream) => upstream.text));
  for (const upstream of listUpstreams(runtime.config)) {
    if (kept.has(upstream.text)) {
      runtime.holdOf(upstream)?.review();
      continue;
    }
    runtime.holdOf(upstream)?.close();
    runtime.connectionsTo(upstream).close();
  }
}

/** Ends every wait for a homeserver: what waited is answered that there is none. */
export function endHolds(runtime: Runtime): void {
  for (const upstream of listUpstreams(runtime.config)) runtime.holdOf(upstream)?.close();
  for (const { hold } of runtime.workers.listWays()) hold.close();
}
