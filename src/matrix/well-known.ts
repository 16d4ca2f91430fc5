import { createHash } from 'node:crypto';
import { corsHeaders, type FlatHeaders } from './errors.ts';
import { isJsonObject, type JsonObject } from './json.ts';
import { JWT_PREFIX } from './rtc-paths.ts';
import type { ServerName } from './server-name.ts';

/** What the documents under `/.well-known/matrix/` of one server name follow from. */
export interface WellKnownInput {
  readonly serverName: ServerName;
  readonly delegateTo?: ServerName | undefined;
  readonly delegateBy: 'well-known' | 'srv' | 'both';
  /** The ports that clients can be sent to. */
  readonly httpsPorts: readonly number[];
  /** Where the services for calls are, if there are any: on a host of their own, or undefined for the clients' host. */
  readonly rtc?: { readonly host: string | undefined } | undefined;
  /** Documents of the administrator's by name, merged over the derived ones. */
  readonly additions: Readonly<Record<string, JsonObject>>;
}

/** A document as it goes onto the wire. */
export interface RenderedWellKnown {
  readonly body: Buffer;
  /** A strong entity tag, quotes included. */
  readonly etag: string;
  /** Everything but Content-Length. */
  readonly headers: FlatHeaders;
}

const HTTPS_PORT = 443;

// An hour: homeservers keep an answer without Cache-Control for a day, which makes every later change of the
// delegation a day of confusion. They refetch no more often than every five minutes whatever stands here.
const CACHE_CONTROL = 'public, max-age=3600';

/** The documents to publish for one server name, by name: `server`, `client` and whatever else was added. */
export function deriveWellKnown(input: WellKnownInput): Readonly<Record<string, JsonObject>> {
  const documents = new Map<string, JsonObject>();
  const server = deriveServer(input);
  if (server !== undefined) documents.set('server', server);
  documents.set('client', { 'm.homeserver': { base_url: deriveBaseUrl(input) }, ...deriveFoci(input) });
  for (const [name, addition] of Object.entries(input.additions)) {
    documents.set(name, mergeJson(documents.get(name) ?? {}, addition));
  }
  return recordOf(documents);
}

/** `server` is published only where it leads somewhere: without it, other servers go on to SRV and port 8448. */
function deriveServer({ delegateTo, delegateBy }: WellKnownInput): JsonObject | undefined {
  // Published as written: without a port, the reader goes on to SRV records of that name, then to its port 8448.
  return delegateTo === undefined || delegateBy === 'srv' ? undefined : { 'm.server': delegateTo.text };
}

/** Where clients go: the delegated host or the server's own, on the named port if clients are served there, else 443. */
function deriveBaseUrl({
  serverName,
  delegateTo,
  httpsPorts,
}: Pick<WellKnownInput, 'serverName' | 'delegateTo' | 'httpsPorts'>): string {
  const { host, port } = delegateTo ?? serverName;
  const bracketed = host.includes(':') ? `[${host}]` : host;
  const served = port !== undefined && httpsPorts.includes(port) ? port : HTTPS_PORT;
  return `https://${bracketed}${served === HTTPS_PORT ? '' : `:${served}`}`;
}

/** By what clients find the services for calls (MSC4143, with the transport of MSC4195). */
function deriveFoci(input: WellKnownInput): JsonObject {
  const url = locateRtc(input);
  return url === undefined
    ? {}
    : { 'org.matrix.msc4143.rtc_foci': [{ type: 'livekit', livekit_service_url: `${url}${JWT_PREFIX}` }] };
}

/** The address below which both services for calls are, without a slash at the end; undefined where there are none. */
export function locateRtc(input: Omit<WellKnownInput, 'additions' | 'delegateBy'>): string | undefined {
  if (input.rtc === undefined) return undefined;
  return input.rtc.host === undefined ? deriveBaseUrl(input) : `https://${input.rtc.host}`;
}

/**
 * Merges `over` into `base`: objects member by member, anything else replaced, and null takes a member away
 * (JSON Merge Patch, RFC 7396).
 */
export function mergeJson(base: JsonObject, over: JsonObject): JsonObject {
  const merged = new Map<string, unknown>(Object.entries(base));
  for (const [key, value] of Object.entries(over)) {
    const below = merged.get(key);
    if (value === null) merged.delete(key);
    else if (isJsonObject(value)) merged.set(key, mergeJson(isJsonObject(below) ? below : {}, value));
    else merged.set(key, value);
  }
  return recordOf(merged);
}

// fromEntries defines members, where an assignment to `__proto__` would change the prototype.
function recordOf<T>(members: ReadonlyMap<string, T>): Readonly<Record<string, T>> {
  return Object.freeze(Object.fromEntries(members));
}

/** Renders a document once per configuration, so that answering a request is a copy of these. */
export function renderWellKnown(document: JsonObject): RenderedWellKnown {
  const body = Buffer.from(JSON.stringify(document));
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 16)}"`;
  const headers = Object.freeze([
    'Content-Type',
    'application/json',
    'Cache-Control',
    CACHE_CONTROL,
    'ETag',
    etag,
    ...corsHeaders,
  ]);
  return { body, etag, headers };
}
