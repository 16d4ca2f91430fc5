import type { CidrSet } from '../base/cidr.ts';
import { PROBE_PREFIX } from '../base/self-probe.ts';
import { isTesterPath } from '../base/tester-paths.ts';
import { isAuthenticationPath } from '../matrix/authentication-paths.ts';
import type { Endpoint, EndpointMatcher } from '../matrix/endpoints.ts';
import { isRendezvousPath } from '../matrix/errors.ts';
import { findBelowPrefix, findOnOwnHost, type RtcPath } from '../matrix/rtc-paths.ts';
import type { BlockedServers } from './blocked-servers.ts';
import type { Decision, RefusalReason, RoutedRtc, RoutedServer, RouteRequest } from './decision.ts';
import { createServerFinder } from './find-server.ts';
import { findPathEnd, readTargetForm, resolveDotSegments } from './request-target.ts';

export interface RouterFacts {
  readonly servers: readonly RoutedServer[];
  readonly endpoints: EndpointMatcher;
  readonly federationPort: 'federation' | 'all';
  readonly adminApiFrom: CidrSet;
  /** The Host under which the federation tester's identity publishes its keys; undefined where there is none. */
  readonly testerIdentity?: string | undefined;
  /** Whether strangers may use the federation tester. */
  readonly testerIsPublic?: boolean;
  readonly blockedNetworks: CidrSet;
  readonly blockedServers: BlockedServers | undefined;
}

/** Decides what becomes of a request. Pure: the same facts give the same decision. */
export type Router = (request: RouteRequest) => Decision;

const WELL_KNOWN = '/.well-known/matrix/';
const CHALLENGE = '/.well-known/acme-challenge/';
const KEYS = '/_matrix/key/v2/server';

function refuse(
  because: RefusalReason,
  status: number,
  errcode: 'M_UNRECOGNIZED' | 'M_UNKNOWN' | 'M_FORBIDDEN' | 'M_NOT_FOUND',
  message: string,
  why = message,
): Decision {
  return Object.freeze({ do: 'refuse', because, status, errcode, message, why });
}

const BAD_TARGET = refuse('malformed', 400, 'M_UNKNOWN', 'The request target is malformed.');
const ABSOLUTE_TARGET = refuse(
  'malformed',
  400,
  'M_UNKNOWN',
  'The request target must be a path: this is no forward proxy.',
);
const ASTERISK = refuse('malformed', 400, 'M_UNKNOWN', 'The request target * has no meaning here.');
const BAD_HOST = refuse('malformed', 400, 'M_UNKNOWN', 'The Host header is malformed.');
const MISDIRECTED = refuse(
  'misdirected',
  421,
  'M_UNRECOGNIZED',
  'No homeserver of this name is served here.',
  'neither Host nor SNI names a configured server',
);
const BAD_METHOD: Decision = Object.freeze({
  ...refuse('method', 405, 'M_UNRECOGNIZED', 'This method is not served.'),
  allow: 'GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS',
});
const READ_ONLY: Decision = Object.freeze({
  ...refuse('method', 405, 'M_UNRECOGNIZED', 'This document can only be read.'),
  allow: 'GET, HEAD, OPTIONS',
});
const UNRECOGNIZED = refuse(
  'unrecognized',
  404,
  'M_UNRECOGNIZED',
  'Unrecognized request',
  'no Matrix path, and no website is configured',
);
const NOT_ON_FEDERATION = refuse(
  'wrong-port',
  404,
  'M_UNRECOGNIZED',
  'Unrecognized request: this port serves federation only.',
  'not a federation, key or media path (routes.federation_port: federation)',
);
const INTERNAL = refuse(
  'internal',
  404,
  'M_UNRECOGNIZED',
  'Unrecognized request',
  "an area of Synapse's that is never public",
);
const ASTRAY = refuse(
  'internal',
  404,
  'M_UNRECOGNIZED',
  'Unrecognized request',
  'dot segments that lead to another program than the path as it stands: the authentication service, or away from it',
);
const ADMIN_CLOSED = refuse(
  'admin-api',
  403,
  'M_FORBIDDEN',
  'The admin API is not open to your network.',
  'the client is in none of the networks in routes.admin_api_from',
);
const NETWORK_BLOCKED = refuse(
  'blocked-network',
  403,
  'M_FORBIDDEN',
  'Your network is blocked here.',
  'the client is in one of the networks in routes.blocked_networks',
);
const SERVER_BLOCKED = refuse(
  'blocked-server',
  403,
  'M_FORBIDDEN',
  'Your server is blocked here.',
  'the origin matches routes.blocked_servers',
);
const NO_DOCUMENT = refuse('no-document', 404, 'M_NOT_FOUND', 'No such document is published for this server.');
const NOT_DELEGATED = refuse(
  'no-document',
  404,
  'M_NOT_FOUND',
  'This server name is not delegated: other servers find it by itself, on port 8448.',
  'no delegate_to, or it is published by SRV alone',
);
const REDIRECT: Decision = Object.freeze({
  do: 'redirect',
  why: 'clear text: everything but ACME challenges is on https',
});
const PREFLIGHT: Decision = Object.freeze({
  do: 'preflight',
  variant: 'matrix',
  why: 'OPTIONS on a Matrix path is answered here, with the homeserver up or down',
});
const PREFLIGHT_RENDEZVOUS: Decision = Object.freeze({ ...PREFLIGHT, variant: 'rendezvous' });
const PREFLIGHT_WELL_KNOWN: Decision = Object.freeze({
  ...PREFLIGHT,
  variant: 'well-known',
  why: 'OPTIONS on a well-known document',
});

const IDENTIFY: Decision = Object.freeze({
  do: 'identify',
  why: "the keys of the federation tester's identity, which Host names",
});
const TEST: Decision = Object.freeze({ do: 'test', why: 'the federation tester (federation_tester.public: true)' });

/** What the federation listener serves unless told to serve everything. */
const FEDERATION_SURFACES: ReadonlySet<string> = new Set(['federation', 'key', 'media']);

function routeProbe(target: string, pathEnd: number): Decision {
  const slash = target.indexOf('/', PROBE_PREFIX.length);
  const end = slash === -1 || slash > pathEnd ? pathEnd : slash;
  return {
    do: 'probe',
    token: target.slice(PROBE_PREFIX.length, end),
    why: 'a question of doctor, whether this is us',
  };
}

export function createRouter(facts: RouterFacts): Router {
  const findServer = createServerFinder(facts.servers);
  const { endpoints } = facts;

  function routeEndpoint(request: RouteRequest, endpoint: Endpoint, server: RoutedServer, by: string): Decision {
    const { surface } = endpoint;
    if (request.listener === 'federation' && facts.federationPort === 'federation' && !FEDERATION_SURFACES.has(surface))
      return NOT_ON_FEDERATION;
    if (surface === 'synapse-internal') return INTERNAL;
    if (surface === 'federation' && isBlocked(request)) return SERVER_BLOCKED;
    if (surface === 'synapse-admin' && !facts.adminApiFrom.contains(request.clientAddress)) return ADMIN_CLOSED;
    if (request.method === 'OPTIONS') {
      return isRendezvousPath(request.target.slice(0, findPathEnd(request.target))) ? PREFLIGHT_RENDEZVOUS : PREFLIGHT;
    }
    if (server.mas !== undefined && isAuthenticationPath(request.target)) {
      const why = `login, logout and refresh are the authentication service's (mas) of ${server.name}, found by ${by}`;
      return { do: 'forward', upstream: server.mas, pools: undefined, endpoint, server: server.name, why };
    }
    return {
      do: 'forward',
      upstream: server.homeserver,
      pools: server.pools,
      endpoint,
      server: server.name,
      why: `${endpoint.pattern} of ${server.name}, found by ${by}`,
    };
  }

  function routeRtc(
    request: RouteRequest,
    call: RtcPath,
    rtc: RoutedRtc,
    { name }: RoutedServer,
    by: string,
  ): Decision {
    if (request.listener === 'federation' && facts.federationPort === 'federation') return NOT_ON_FEDERATION;
    const { service, endpoint, target } = call;
    const who = service === 'jwt' ? 'lets people into calls (rtc.jwt)' : 'carries calls (rtc.sfu)';
    const why = `what ${who} of ${name}, found by ${by}`;
    return { do: 'forward', upstream: rtc[service], pools: undefined, endpoint, server: name, target, why };
  }

  function isBlocked(request: RouteRequest): boolean {
    const { blockedServers } = facts;
    return blockedServers !== undefined && request.origins().some((origin) => blockedServers(origin));
  }

  function routeWellKnown(request: RouteRequest, name: string, server: RoutedServer, by: string): Decision {
    if (request.method === 'OPTIONS') return PREFLIGHT_WELL_KNOWN;
    if (request.method !== 'GET' && request.method !== 'HEAD') return READ_ONLY;
    const document = server.wellKnown.get(name);
    if (document === undefined) return name === 'server' ? NOT_DELEGATED : NO_DOCUMENT;
    return {
      do: 'publish',
      document,
      server: server.name,
      why: `the ${name} document of ${server.name}, found by ${by}`,
    };
  }

  return (request) => {
    const { target, method, listener } = request;
    const form = readTargetForm(target);
    if (form !== 'origin') return form === 'absolute' ? ABSOLUTE_TARGET : form === 'asterisk' ? ASTERISK : BAD_TARGET;
    if (method === 'TRACE' || method === 'CONNECT') return BAD_METHOD;
    const found = findServer(request.authority, request.serverName);
    if (!found.ok && found.malformed) return BAD_HOST;
    const end = findPathEnd(target);
    if (listener === 'http') {
      if (!target.startsWith(CHALLENGE)) return REDIRECT;
      return { do: 'challenge', token: target.slice(CHALLENGE.length, end), why: 'an ACME http-01 challenge' };
    }
    // After the challenges: whom a CA asks from where is its business.
    if (facts.blockedNetworks.contains(request.clientAddress)) return NETWORK_BLOCKED;
    if (target.startsWith(PROBE_PREFIX)) return routeProbe(target, end);
    if (facts.testerIdentity !== undefined && request.authority === facts.testerIdentity) {
      if (method === 'GET' && target.startsWith(KEYS) && findPathEnd(target) === KEYS.length) return IDENTIFY;
    }
    if (!found.ok) return MISDIRECTED;
    const { server, by } = found;
    if (found.rtc !== undefined) return routeRtc(request, findOnOwnHost(target), found.rtc, server, by);
    const endpoint = endpoints(target, end);
    if (endpoint !== undefined) {
      // Something behind us may resolve dot segments: they must not lead it to where the raw path may not go.
      const resolved = resolveDotSegments(target.slice(0, end));
      if (resolved !== undefined) {
        if (server.mas !== undefined && isAuthenticationPath(target) !== isAuthenticationPath(resolved)) return ASTRAY;
        const meant = endpoints(resolved, resolved.length);
        const closed = meant === undefined ? undefined : routeEndpoint(request, meant, server, by);
        if (closed?.do === 'refuse') return closed;
      }
      return routeEndpoint(request, endpoint, server, by);
    }
    if (target.startsWith(WELL_KNOWN)) {
      return listener === 'https' || facts.federationPort === 'all'
        ? routeWellKnown(request, target.slice(WELL_KNOWN.length, end), server, by)
        : NOT_ON_FEDERATION;
    }
    if (listener === 'federation' && facts.federationPort === 'federation') return NOT_ON_FEDERATION;
    if (facts.testerIsPublic === true && isTesterPath(target.slice(0, end))) return TEST;
    if (server.rtc !== undefined && server.rtc.host === undefined) {
      const call = findBelowPrefix(target);
      if (call !== undefined) return routeRtc(request, call, server.rtc, server, by);
    }
    if (server.website === undefined) return UNRECOGNIZED;
    return {
      do: 'forward',
      upstream: server.website,
      pools: undefined,
      endpoint: undefined,
      server: server.name,
      why: `not a Matrix path: the website of ${server.name}`,
    };
  };
}
