import { bad, good, type Parsed } from '../base/parsed.ts';
import type { Exchange } from './exchange.ts';
import { isHopByHop, readConnectionNames } from './hop-by-hop.ts';

/** What the sidecar itself says to the homeserver about a request. */
export interface ForwardedFacts {
  /** One address, the client's. Synapse believes the first element of the first X-Forwarded-For (http/site.py). */
  readonly clientAddress: string;
  readonly proto: string;
  /** The host that the client asked for, as it wrote it. */
  readonly host: string;
  /** For X-Forwarded-Host: `host`, or what a trusted proxy says that the client asked for. */
  readonly forwardedHost: string;
  readonly requestId: string;
}

/**
 * Fields that say where a request came from. A stranger's are dropped, whatever they claim; those that the sidecar
 * vouches for are written anew. With `_` for `-` too: CGI-like backends cannot tell them apart.
 */
const ORIGIN_CLAIMS: ReadonlySet<string> = new Set([
  'host',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-server',
  'x-forwarded-prefix',
  'x-forwarded-ssl',
  'x-real-ip',
  'x-request-id',
]);

/**
 * The header fields for the homeserver: what came, in its order and case, without hop-by-hop fields and claims of
 * origin, with the sidecar's own in front. Refuses what cannot be passed on unambiguously.
 */
export function buildRequestHeaders(
  exchange: Pick<Exchange, 'headers' | 'authority' | 'httpVersion'>,
  facts: ForwardedFacts,
): Parsed<string[]> {
  const from = exchange.headers;
  const to: string[] = ['host', facts.host];
  let named: ReadonlySet<string> | undefined;
  let hosts = 0;
  for (let index = 0; index < from.length; index += 2) {
    const name = from[index]!;
    // By length first: this runs over every header of every request.
    if (name.length === 10 && name.toLowerCase() === 'connection') {
      const more = readConnectionNames(from[index + 1]!);
      if (more !== undefined) named = named === undefined ? more : new Set([...named, ...more]);
    }
  }
  for (let index = 0; index < from.length; index += 2) {
    const name = from[index]!;
    const value = from[index + 1]!;
    const lower = name.toLowerCase();
    if (lower === 'host') {
      hosts++;
      if (hosts > 1 || value !== exchange.authority) return bad('the request names more than one host');
      continue;
    }
    if (lower === 'transfer-encoding') {
      if (exchange.httpVersion !== '1.1' || value.toLowerCase() !== 'chunked')
        return bad('the only transfer coding that is served is chunked');
      continue;
    }
    if (isHopByHop(lower) || named?.has(lower) === true) continue;
    if (ORIGIN_CLAIMS.has(lower.includes('_') ? lower.replaceAll('_', '-') : lower)) continue;
    to.push(name, value);
  }
  to.push(
    'X-Forwarded-For',
    facts.clientAddress,
    'X-Forwarded-Proto',
    facts.proto,
    'X-Forwarded-Host',
    facts.forwardedHost,
  );
  to.push('X-Request-Id', facts.requestId);
  return good(to);
}
