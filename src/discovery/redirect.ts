import { bad, good, type Parsed } from '../base/parsed.ts';

/** Where one request for a document goes. */
export interface HttpsPlace {
  /** As it is shown, and told apart from others. */
  readonly url: string;
  /** A host name, lower case, or an IP address without brackets. */
  readonly host: string;
  readonly port: number;
  /** The value of Host. */
  readonly authority: string;
  /** Path and query, as they go onto the wire. */
  readonly target: string;
}

const STATUSES = new Set([301, 302, 303, 307, 308]);
const LONGEST_LOCATION = 4096;

/** The well-known document of a host. The name is taken as it is: a URL parser would make an address of `127.1`. */
export function wellKnownPlace(host: string): HttpsPlace {
  const target = '/.well-known/matrix/server';
  return { url: `https://${host}${target}`, host, port: 443, authority: host, target };
}

/** Whether an answer says that the document is elsewhere. */
export function isRedirect(status: number): boolean {
  return STATUSES.has(status);
}

/** Where a redirect leads, by its Location (RFC 9110 section 10.2.2), or a clause on why nobody should follow it. */
export function readRedirect(from: HttpsPlace, headers: readonly (readonly [string, string])[]): Parsed<HttpsPlace> {
  const location = headers.find(([name]) => name.toLowerCase() === 'location')?.[1];
  if (location === undefined) return bad('a redirect without Location');
  if (location.length > LONGEST_LOCATION) return bad('a redirect to an address that is too long');
  if (!URL.canParse(location, from.url)) return bad('a redirect to what is no URL');
  const url = new URL(location, from.url);
  if (url.protocol === 'http:') return bad('a redirect to plain http');
  if (url.protocol !== 'https:') return bad('a redirect to what is no https URL');
  if (url.username !== '' || url.password !== '') return bad('a redirect to a URL with a user name');
  url.hash = '';
  return good({
    url: url.href,
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? 443 : Number(url.port),
    authority: url.host,
    target: `${url.pathname}${url.search}`,
  });
}
