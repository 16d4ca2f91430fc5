import { formatHostPort } from '../base/address.ts';
import type { HttpsExchange, HttpsFailure, HttpsOutcome } from '../base/https-exchange.ts';
import type { System } from '../base/system.ts';
import { VERSION } from '../base/version.ts';
import { applyConnectTo, type ConnectTo } from './connect-to.ts';
import type { Names } from './names.ts';
import { MAX_WELL_KNOWN, readWellKnown } from './read-well-known.ts';
import { type HttpsPlace, isRedirect, readRedirect, wellKnownPlace } from './redirect.ts';
import { whyNotPublic } from './refuse-private.ts';
import type { WellKnownHop, WellKnownLookup, WellKnownProblem } from './resolution.ts';
import { FAILURE_LIFETIME, wellKnownLifetime } from './well-known-lifetime.ts';

export interface DiscoveryDeps {
  readonly system: System;
  readonly names: Names;
  readonly https: HttpsExchange;
}

export interface DiscoveryOptions {
  /** Where to connect instead, for some hosts and ports; the first that fits decides. */
  readonly connectTo?: readonly ConnectTo[];
  /** Whether addresses that are not public may be asked. Never for strangers. */
  readonly allowPrivate: boolean;
  /** Milliseconds for a well-known document with all its redirects; 30 s when it is not given. */
  readonly patience?: number;
}

/** As many as Synapse follows. */
const MAX_REDIRECTS = 20;
/** Addresses of one host that are tried until one takes the connection. */
const MAX_ADDRESSES = 4;
/** Milliseconds. */
const PATIENCE = 30_000;
const DEADLINE = { connect: 5_000, handshake: 5_000, total: 10_000 };
/** Failures before there was a connection: the next address may have one. */
const NOBODY_THERE = new Set<HttpsFailure>(['refused', 'unreachable', 'connect-timeout']);

/**
 * Step 3 of "Resolving server names": `https://HOST/.well-known/matrix/server`, redirects followed, and what it says.
 * Every hop's host is looked up and its addresses are judged for themselves. Rejects with the signal's reason only.
 */
export async function fetchWellKnown(
  host: string,
  deps: DiscoveryDeps,
  options: DiscoveryOptions,
  signal: AbortSignal,
): Promise<WellKnownLookup> {
  const { system } = deps;
  const end = system.monotonic() + (options.patience ?? PATIENCE);
  const hops: WellKnownHop[] = [];
  const fail = (problem: WellKnownProblem, words: string): WellKnownLookup => {
    return { hops, cacheFor: FAILURE_LIFETIME, result: { ok: false, problem, words } };
  };
  const visited = new Set<string>();
  for (let place = wellKnownPlace(host); ; ) {
    visited.add(place.url);
    const asked = await askPlace(place, end, deps, options, signal);
    hops.push(...asked.hops);
    if (!asked.ok) return fail(asked.problem, asked.words);
    const { status, headers, body, cut } = asked.outcome;
    if (isRedirect(status)) {
      const next = readRedirect(place, headers);
      if (!next.ok) return fail('bad-redirect', next.why);
      place = next.value;
      if (visited.has(place.url)) return fail('redirect-loop', 'its redirects go round in a circle');
      if (visited.size > MAX_REDIRECTS) return fail('too-many-redirects', `more than ${MAX_REDIRECTS} redirects`);
      continue;
    }
    if (status !== 200) return fail('not-200', `the answer has the status ${status}`);
    if (cut) return fail('too-large', 'the document has 50 KiB or more');
    const result = readWellKnown(body);
    if (!result.ok) return fail(result.problem, result.words);
    return { hops, cacheFor: wellKnownLifetime(headers, system.now()), result };
  }
}

/**
 * The well-known document of a host as it is at one of its addresses, redirects not followed: whether all addresses say
 * the same. `port` when it is not 443.
 */
export async function fetchWellKnownAt(
  host: string,
  at: { readonly address: string; readonly port?: number },
  deps: { readonly https: HttpsExchange },
  options: Pick<DiscoveryOptions, 'allowPrivate'>,
  signal: AbortSignal,
): Promise<WellKnownHop> {
  const place = wellKnownPlace(host);
  const refused = options.allowPrivate ? undefined : whyNotPublic(at.address);
  if (refused !== undefined) return { url: place.url, address: at.address, outcome: undefined, refused };
  const outcome = await askAddress(place, at.address, at.port ?? place.port, DEADLINE.total, deps, signal);
  return { url: place.url, address: at.address, outcome, refused: undefined };
}

type Asked = { readonly hops: readonly WellKnownHop[] } & (
  | { readonly ok: true; readonly outcome: Extract<HttpsOutcome, { ok: true }> }
  | { readonly ok: false; readonly problem: WellKnownProblem; readonly words: string }
);

/** One hop: its addresses in turn, until one takes the connection. */
async function askPlace(
  place: HttpsPlace,
  end: number,
  deps: DiscoveryDeps,
  options: DiscoveryOptions,
  signal: AbortSignal,
): Promise<Asked> {
  const { names, system } = deps;
  const hops: WellKnownHop[] = [];
  const fail = (problem: WellKnownProblem, words: string): Asked => ({ hops, ok: false, problem, words });
  const { host, port } = applyConnectTo(options.connectTo ?? [], place.host, place.port);
  const { addresses, error } = await names.lookupHost(host, signal);
  const who = host === place.host ? host : `${host} (where --connect-to leads)`;
  const why = error === undefined ? `${who} has no address` : `the addresses of ${host} cannot be found out: ${error}`;
  if (addresses.length === 0) {
    hops.push({ url: place.url, address: undefined, outcome: undefined, refused: why });
    return fail('no-address', why);
  }
  const allowed = options.allowPrivate ? addresses : addresses.filter((each) => whyNotPublic(each) === undefined);
  if (allowed.length === 0) {
    const [address = ''] = addresses;
    const refused = whyNotPublic(address);
    hops.push({ url: place.url, address, outcome: undefined, refused });
    return fail('private-address', `${host} has no public address`);
  }
  let last = '';
  for (const address of allowed.slice(0, MAX_ADDRESSES)) {
    const left = end - system.monotonic();
    if (left <= 0) return fail('connection', 'it all took too long');
    const outcome = await askAddress(place, address, port, Math.min(left, DEADLINE.total), deps, signal);
    hops.push({ url: place.url, address, outcome, refused: undefined });
    if (outcome.ok) return { hops, ok: true, outcome };
    last = `${formatHostPort(address, port)}: ${outcome.words}`;
    if (outcome.failure === 'untrusted') return fail('untrusted', last);
    if (!NOBODY_THERE.has(outcome.failure)) break;
  }
  return fail('connection', last);
}

function askAddress(
  place: HttpsPlace,
  address: string,
  port: number,
  total: number,
  { https }: { readonly https: HttpsExchange },
  signal: AbortSignal,
): Promise<HttpsOutcome> {
  const request = {
    address,
    port,
    certificateName: place.host,
    host: place.authority,
    method: 'GET',
    target: place.target,
    headers: [
      ['User-Agent', `matrix-sidecar/${VERSION}`],
      ['Accept', 'application/json, */*;q=0.5'],
    ] as const,
    maxBody: MAX_WELL_KNOWN,
    deadline: { ...DEADLINE, total },
  };
  return https.request(request, { verify: true, signal });
}
