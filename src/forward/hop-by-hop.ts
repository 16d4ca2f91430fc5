/** Fields that concern one connection only and are never passed on (RFC 9110 section 7.6.1, RFC 9113 section 8.2.2). */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'te',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'proxy-authenticate',
  'proxy-authorization',
  // Answered here: the client has been told to continue by the time that the homeserver hears of the request.
  'expect',
]);

/** Naming these in Connection would change the framing or the destination of a message, so it is ignored. */
const NEVER_NAMED: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'close',
  'keep-alive',
]);

/** Names of other lengths need not be looked at: this is asked for every field of every request and answer. */
const LENGTHS: readonly boolean[] = Array.from({ length: 20 }, (_, length) =>
  [...HOP_BY_HOP].some((name) => name.length === length),
);

/** `name` in any case. */
export function isHopByHop(name: string): boolean {
  return LENGTHS[name.length] === true && HOP_BY_HOP.has(name.toLowerCase());
}

/** The further fields that a Connection header names as its own, lower case; undefined when there are none. */
export function readConnectionNames(value: string): ReadonlySet<string> | undefined {
  if (value === 'keep-alive' || value === 'close' || value === 'Keep-Alive') return undefined;
  const names = value
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && !NEVER_NAMED.has(name));
  return names.length === 0 ? undefined : new Set(names);
}
