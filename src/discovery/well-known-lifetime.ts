const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Without a word from the server (server-server API, "Resolving server names", step 3). */
export const DEFAULT_LIFETIME = 24 * HOUR;
/** Synapse refetches no more often, whatever the server says. */
export const SHORTEST_LIFETIME = 5 * MINUTE;
/** The spec's upper limit, and Synapse's. */
export const LONGEST_LIFETIME = 48 * HOUR;
/** That there was no valid document; the spec's upper limit, and what Synapse takes at once. */
export const FAILURE_LIFETIME = HOUR;

type Headers = readonly (readonly [string, string])[];

/**
 * Milliseconds for which a valid well-known document may be remembered that came with these headers at `now`
 * (milliseconds since the epoch): `no-store` as 0, then `max-age`, then `Expires`, within the limits above. Synapse
 * reads them in the same order (synapse/http/federation/well_known_resolver.py), and varies the default by a tenth.
 */
export function wellKnownLifetime(headers: Headers, now: number): number {
  const stated = statedLifetime(headers, now);
  if (stated === undefined) return DEFAULT_LIFETIME;
  return Math.min(LONGEST_LIFETIME, Math.max(SHORTEST_LIFETIME, stated));
}

function statedLifetime(headers: Headers, now: number): number | undefined {
  const directives = valuesOf(headers, 'cache-control').flatMap((value) => value.split(',').map(readDirective));
  if (directives.some(([name]) => name === 'no-store')) return 0;
  const maxAge = directives.findLast(([name]) => name === 'max-age')?.[1];
  if (maxAge !== undefined && /^[+-]?\d{1,15}$/.test(maxAge)) return Number(maxAge) * 1000;
  const expires = valuesOf(headers, 'expires').at(-1);
  if (expires === undefined) return undefined;
  const time = readHttpDate(expires);
  // RFC 9111 section 5.3: a date that cannot be read, "0" above all, is in the past.
  return time === undefined ? 0 : time - now;
}

function valuesOf(headers: Headers, name: string): string[] {
  return headers.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value);
}

function readDirective(text: string): readonly [name: string, value: string | undefined] {
  const at = text.indexOf('=');
  if (at === -1) return [text.trim().toLowerCase(), undefined];
  return [text.slice(0, at).trim().toLowerCase(), text.slice(at + 1).trim()];
}

/** RFC 9110 section 5.6.7: the form of today, and the two of yesterday. Always in GMT. */
function readHttpDate(text: string): number | undefined {
  if (!/^[A-Z][a-z]{2,8},? /.test(text)) return undefined;
  const time = Date.parse(/ GMT$/.test(text) ? text : `${text} GMT`);
  return Number.isNaN(time) ? undefined : time;
}
