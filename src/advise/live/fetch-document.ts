import { formatHostPort } from '../../base/address.ts';
import type { HttpsExchange, HttpsOutcome } from '../../base/https-exchange.ts';
import { VERSION } from '../../base/version.ts';
import { applyConnectTo, type ConnectTo } from '../../discovery/connect-to.ts';
import type { Names } from '../../discovery/names.ts';
import { type HttpsPlace, isRedirect, readRedirect } from '../../discovery/redirect.ts';

/** What is needed to ask somebody from outside. */
export interface AskDeps {
  readonly names: Names;
  readonly https: HttpsExchange;
  readonly connectTo: readonly ConnectTo[];
}

export type Answer = Extract<HttpsOutcome, { ok: true }>;

/** One answer on the way to a document. */
export interface DocumentHop {
  readonly url: string;
  readonly answer: Answer;
}

/** How a document was had, or a clause on why it was not. The last hop is the document's own. */
export interface FetchedDocument {
  readonly hops: readonly DocumentHop[];
  readonly failed: string | undefined;
}

const DEADLINE = { connect: 5_000, handshake: 5_000, total: 10_000 };
/** Addresses of one host that are tried until one answers. */
const MOST_ADDRESSES = 4;
/** Bytes; Synapse reads no more of a well-known document. */
const MOST_BODY = 50 * 1024;
const MOST_REDIRECTS = 5;

/**
 * Gets a document as a browser on another website would, redirects followed and every hop kept: each must let such a
 * website read it. `url` is an https URL as advice has it. Rejects with the signal's reason only.
 */
export async function fetchDocument(url: string, deps: AskDeps, signal: AbortSignal): Promise<FetchedDocument> {
  const hops: DocumentHop[] = [];
  let place = readPlace(url);
  for (let hop = 0; hop <= MOST_REDIRECTS; hop++) {
    const outcome = await askOnce(place, deps, signal);
    if (typeof outcome === 'string') return { hops, failed: outcome };
    if (!outcome.ok) return { hops, failed: outcome.words };
    hops.push({ url: place.url, answer: outcome });
    if (!isRedirect(outcome.status)) return { hops, failed: undefined };
    const next = readRedirect(place, outcome.headers);
    if (!next.ok) return { hops, failed: next.why };
    place = next.value;
  }
  return { hops, failed: `more than ${MOST_REDIRECTS} redirects` };
}

/** The place of a URL that we made ourselves. */
export function readPlace(url: string): HttpsPlace {
  const { hostname, host, port, pathname, search } = new URL(url);
  const bare = hostname.replace(/^\[(.*)\]$/, '$1');
  return { url, host: bare, port: port === '' ? 443 : Number(port), authority: host, target: `${pathname}${search}` };
}

/** The first of the addresses that answers, or why none does; a clause where there is none. */
async function askOnce(
  { host, port, authority, target }: HttpsPlace,
  deps: AskDeps,
  signal: AbortSignal,
): Promise<HttpsOutcome | string> {
  const to = applyConnectTo(deps.connectTo, host, port);
  const { addresses, error } = await deps.names.lookupHost(to.host, signal);
  if (addresses.length === 0) return error ?? `${to.host} has no address`;
  let outcome: HttpsOutcome | string = '';
  for (const address of addresses.slice(0, MOST_ADDRESSES)) {
    const request = { address, port: to.port, certificateName: host, host: authority, target };
    outcome = await askAddress(request, deps, { verify: true, signal });
    if (outcome.ok) return outcome;
    const place = formatHostPort(address, to.port);
    outcome = { ...outcome, words: `${place}: ${outcome.words}` };
  }
  return outcome;
}

interface AddressRequest {
  readonly address: string;
  readonly port: number;
  readonly certificateName: string;
  readonly host: string;
  readonly target: string;
}

/** One request to one address. With `verify: false` the certificate is judged all the same, and reported. */
export function askAddress(
  request: AddressRequest,
  { https }: AskDeps,
  options: { readonly verify: boolean; readonly signal: AbortSignal },
): Promise<HttpsOutcome> {
  const headers = [
    ['User-Agent', `matrix-sidecar/${VERSION}`],
    ['Accept', 'application/json, */*;q=0.5'],
    ['Origin', 'https://app.element.io'],
  ] as const;
  return https.request({ ...request, method: 'GET', headers, maxBody: MOST_BODY, deadline: DEADLINE }, options);
}
