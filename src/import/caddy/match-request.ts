import type { PatternMatcher } from '../pattern-matcher.ts';
import type { SiteRequest } from '../site.ts';
import { matchesWildcard } from '../wildcard.ts';
import type { CaddyMatch } from './route.ts';

/** Whether any of a route's matchers takes the request; without matchers, all are taken. */
export function matchesAny(match: readonly CaddyMatch[], request: SiteRequest, matcher: PatternMatcher): boolean {
  return match.length === 0 || match.some((one) => matches(one, request, matcher));
}

function matches(one: CaddyMatch, request: SiteRequest, matcher: PatternMatcher): boolean {
  const { hosts, paths, pattern, methods, not, networks, unknown } = one;
  if (unknown === true) return false;
  if (hosts !== undefined && !hosts.some((host) => matchesHost(host, request.host))) return false;
  if (paths !== undefined && !paths.some((path) => matchesPath(path, request.path))) return false;
  if (pattern !== undefined && matcher.match(pattern, '', request.path) === undefined) return false;
  if (networks !== undefined && request.inside !== true) return false;
  if (methods !== undefined && !methods.includes('GET')) return false;
  return !(not ?? []).some((other) => matches(other, request, matcher));
}

/** `*.example.com` stands for one label. */
export function matchesHost(pattern: string, host: string): boolean {
  const lower = pattern.toLowerCase();
  if (!lower.startsWith('*.')) return lower === host;
  const dot = host.indexOf('.');
  return dot > 0 && host.slice(dot) === lower.slice(1);
}

/** Caddy compares without regard to case; a star stands for anything, slashes included where it is last. */
function matchesPath(pattern: string, path: string): boolean {
  const [wanted, given] = [pattern.toLowerCase(), path.toLowerCase()];
  if (wanted === '*') return true;
  return wanted.includes('*') ? matchesWildcard(wanted, given) : wanted === given;
}

/** The networks that a matcher asks for, or asks not for. */
export function listNetworks(match: readonly CaddyMatch[]): readonly string[] {
  return match.flatMap(({ networks, not }) => [
    ...(networks ?? []),
    ...(not ?? []).flatMap((one) => one.networks ?? []),
  ]);
}
