import { type Endpoint, toEndpoint } from './endpoints.ts';

/** Where clients find the two services of MatrixRTC on one host (Element Call's self-hosting guide, "Matrix site endpoint routing"). */
export const JWT_PREFIX = '/livekit/jwt';
export const SFU_PREFIX = '/livekit/sfu';

/**
 * What lk-jwt-service answers, as it names it itself (its README and its router): on a host of their own, people have it at
 * the root, and everything else there is LiveKit's (`/rtc`, `/twirp/` and what is still to come).
 */
const JWT_AT_ROOT = /^\/(?:sfu\/get|get_token|delegate_delayed_leave|sfu_webhook|healthz)(?:[/?]|$)/;

/** Milliseconds until an answer begins: creating a room may take that long (the guide's proxy_read_timeout). */
const DEADLINE = 120_000;

const ENDPOINTS = { jwt: createEndpoint(JWT_PREFIX), sfu: createEndpoint(SFU_PREFIX) } as const;

function createEndpoint(prefix: string): Endpoint {
  return toEndpoint({ pattern: `${prefix}/**`, surface: 'rtc', deadline: DEADLINE });
}

/** Whom a request for a call is for, and what it asks them for: without the prefix. */
export interface RtcPath {
  readonly service: 'jwt' | 'sfu';
  readonly endpoint: Endpoint;
  readonly target: string;
}

/** Whether apps that are told this address find the services at `base`; `own`: on a host of their own, where they are at the root too. */
export function leadsToTokens(url: string, base: string, own: boolean): boolean {
  if (!URL.canParse(url) || !URL.canParse(base)) return false;
  const { origin, pathname } = new URL(url);
  // Apps put `/sfu/get` behind what they are told, with a slash between at most.
  const path = pathname.replace(/\/+$/, '');
  return origin === new URL(base).origin && (path === JWT_PREFIX || (own && path === ''));
}

/** Below one of the two prefixes; undefined elsewhere. `target` is raw, with its query. */
export function findBelowPrefix(target: string): RtcPath | undefined {
  if (!target.startsWith('/livekit/')) return undefined;
  return cut(target, JWT_PREFIX, 'jwt') ?? cut(target, SFU_PREFIX, 'sfu');
}

/** On a host of their own everything is for one of them. */
export function findOnOwnHost(target: string): RtcPath {
  const service = JWT_AT_ROOT.test(target) ? 'jwt' : 'sfu';
  return findBelowPrefix(target) ?? { service, endpoint: ENDPOINTS[service], target };
}

function cut(target: string, prefix: string, service: RtcPath['service']): RtcPath | undefined {
  if (!target.startsWith(prefix)) return undefined;
  const rest = target.slice(prefix.length);
  // Neither of them knows `//rtc`: whoever writes a slash too many means this.
  const slash = /^\/+/.exec(rest)?.[0] ?? '';
  if (slash === '' && rest !== '' && !rest.startsWith('?')) return undefined;
  return { service, endpoint: ENDPOINTS[service], target: `/${rest.slice(slash.length)}` };
}
