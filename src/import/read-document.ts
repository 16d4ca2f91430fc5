import { isJsonObject, type JsonObject } from '../matrix/json.ts';
import type { Hosts } from './hosts.ts';
import { WELL_KNOWN } from './matrix-paths.ts';
import type { Outcome } from './site.ts';

/** A well-known document as a host publishes it. */
export interface FoundDocument {
  readonly host: string;
  readonly name: string;
  /** What the host answers itself, before any redirect. */
  readonly first: Outcome;
  /** Where redirects within this configuration end. */
  readonly last: Outcome;
  readonly outcome:
    | { readonly kind: 'document'; readonly json: JsonObject }
    /** It is published, and is no JSON object. */
    | { readonly kind: 'broken'; readonly why: string }
    /** The homeserver, or another program, answers. */
    | { readonly kind: 'proxied' }
    /** A redirect that leads out of this configuration. */
    | { readonly kind: 'elsewhere'; readonly url: string }
    /** A file, or something else, that could not be looked at. */
    | { readonly kind: 'unread' };
}

const MOST_HOPS = 4;
/** Synapse reads 50 KiB of a well-known document (MAX_SIZE). */
const [LARGEST, DEEPEST] = [51_200, 50];

/** The document of that name; undefined where the host publishes none. */
export function readDocument(hosts: Hosts, host: string, name: string): FoundDocument | undefined {
  const port = hosts.mainPort(host);
  const first = port === undefined ? undefined : hosts.ask(host, port, WELL_KNOWN + name);
  if (first === undefined) return undefined;
  let last = first;
  let at = { host, port: port! };
  for (let hop = 0; hop < MOST_HOPS && last.do === 'redirect'; hop++) {
    const url = parseUrl(last.location, at.host);
    const next =
      url === undefined
        ? undefined
        : hosts.names.includes(url.host)
          ? hosts.ask(url.host, url.port, url.path)
          : undefined;
    if (url === undefined || next === undefined) {
      return { host, name, first, last, outcome: { kind: 'elsewhere', url: last.location } };
    }
    at = url;
    last = next;
  }
  const outcome = judge(last);
  return outcome === undefined ? undefined : { host, name, first, last, outcome };
}

function judge(outcome: Outcome): FoundDocument['outcome'] | undefined {
  if (outcome.do === 'proxy') return { kind: 'proxied' };
  if (outcome.do !== 'answer')
    return outcome.do === 'redirect' ? { kind: 'elsewhere', url: outcome.location } : { kind: 'unread' };
  if (outcome.status >= 300) return undefined;
  if (outcome.body === undefined) return { kind: 'unread' };
  // What Caddy says where nobody says anything.
  if (outcome.body.trim() === '') return undefined;
  if (outcome.body.length > LARGEST || depthOf(outcome.body) > DEEPEST)
    return { kind: 'broken', why: 'it is too large' };
  try {
    const json: unknown = JSON.parse(outcome.body);
    return isJsonObject(json) ? { kind: 'document', json } : { kind: 'broken', why: 'it is JSON, but no object' };
  } catch {
    return { kind: 'broken', why: 'it is no JSON' };
  }
}

function parseUrl(location: string, host: string): { host: string; port: number; path: string } | undefined {
  const base = `https://${host}/`;
  if (!URL.canParse(location, base)) return undefined;
  const { hostname, port, protocol, pathname } = new URL(location, base);
  return { host: hostname, port: port === '' ? (protocol === 'http:' ? 80 : 443) : Number(port), path: pathname };
}

/** How deep brackets are nested at most; those in strings count as well, which does no harm. */
function depthOf(text: string): number {
  let [depth, deepest] = [0, 0];
  for (const character of text) {
    if (character === '[' || character === '{') deepest = Math.max(deepest, ++depth);
    else if (character === ']' || character === '}') depth--;
  }
  return deepest;
}
