import type { PatternMatch, PatternMatcher } from '../pattern-matcher.ts';
import type { SiteRequest } from '../site.ts';
import type { Directive } from './directive.ts';

/** The variables of one request. */
export interface Variables {
  /** The text with its variables replaced; undefined where one of them cannot be known. */
  expand(text: string): string | undefined;
  set(name: string, value: string | undefined): void;
  /** Makes what a regular expression matched $1, $2 and so on. */
  capture(match: PatternMatch): void;
  /** The path after rewrites, decoded. */
  uri: string;
}

const REFERENCE = /\$(?:\{(\w+)\}|(\w+))/g;
/** A map may lead to a map. */
const DEEPEST = 8;
/** For one request: maps that lead to themselves many times over end here. */
const MOST_LOOKUPS = 10_000;
const LONGEST = 65_536;
/** What a request of the kind that is asked about has none of. */
const EMPTY = /^(http_|cookie_|limit_rate$|remote_user$)/;
/** Values that nobody decides on: any will do. */
const PLAIN: Readonly<Record<string, string>> = {
  remote_addr: '192.0.2.1',
  realip_remote_addr: '192.0.2.1',
  proxy_add_x_forwarded_for: '192.0.2.1',
  request_method: 'GET',
  server_protocol: 'HTTP/1.1',
  remote_port: '50000',
  request_id: '0',
  hostname: 'localhost',
};

/** The variables of a request to a server block; `maps` are the map blocks by the name of what they set. */
export function createVariables(
  request: SiteRequest & { readonly tls: boolean; readonly serverName: string },
  maps: ReadonlyMap<string, Directive>,
  matcher: PatternMatcher,
): Variables {
  const own = new Map<string, string | undefined>();
  let depth = 0;
  let lookups = 0;

  function lookUp(name: string): string | undefined {
    if (own.has(name)) return own.get(name);
    switch (name) {
      case 'host':
        return request.host;
      case 'http_host':
        return request.port === 443 || request.port === 80 ? request.host : `${request.host}:${request.port}`;
      case 'server_name':
        return request.serverName;
      case 'server_port':
        return String(request.port);
      case 'scheme':
        return request.tls ? 'https' : 'http';
      case 'https':
        return request.tls ? 'on' : '';
      case 'request_uri':
        return request.query === undefined ? request.path : `${request.path}?${request.query}`;
      case 'args':
      case 'query_string':
        return request.query ?? '';
      case 'is_args':
        return request.query === undefined ? '' : '?';
      case 'uri':
      case 'document_uri':
        return variables.uri;
    }
    const map = maps.get(name);
    if (map !== undefined) return followMap(map);
    if (name.startsWith('arg_')) return new URLSearchParams(request.query).get(name.slice('arg_'.length)) ?? '';
    if (EMPTY.test(name)) return '';
    // Groups that did not take part in the match are empty; without a match there are none.
    return Object.hasOwn(PLAIN, name) ? PLAIN[name] : /^\d$/.test(name) ? '' : undefined;
  }

  function followMap(map: Directive): string | undefined {
    if (depth >= DEEPEST) return undefined;
    depth++;
    try {
      const source = variables.expand(map.args[0] ?? '');
      if (source === undefined) return undefined;
      const value = chooseEntry(map.block ?? [], source)?.args[0];
      return value === undefined ? '' : variables.expand(value);
    } finally {
      depth--;
    }
  }

  /** nginx's order: the text itself, then regular expressions as they come, then the default. */
  function chooseEntry(entries: readonly Directive[], source: string): Directive | undefined {
    const lower = source.toLowerCase();
    const exact = entries.find(({ name }) => name !== 'default' && name.replace(/^\\/, '').toLowerCase() === lower);
    if (exact !== undefined) return exact;
    for (const entry of entries) {
      if (!entry.name.startsWith('~')) continue;
      const insensitive = entry.name.startsWith('~*');
      const match = matcher.match(entry.name.slice(insensitive ? 2 : 1), insensitive ? 'i' : '', source);
      if (match === undefined) continue;
      variables.capture(match);
      return entry;
    }
    return entries.find(({ name }) => name === 'default');
  }

  const variables: Variables = {
    uri: request.path,
    expand(text) {
      if (text.length > LONGEST) return undefined;
      let known = true;
      const expanded = text.replaceAll(REFERENCE, (_, braced: string | undefined, plain: string | undefined) => {
        const value = ++lookups > MOST_LOOKUPS ? undefined : lookUp(braced ?? plain ?? '');
        if (value === undefined) known = false;
        return value ?? '';
      });
      return known && expanded.length <= LONGEST ? expanded : undefined;
    },
    set: (name, value) => void own.set(name, value),
    capture({ groups, named }) {
      groups.forEach((group, index) => {
        own.set(String(index), group ?? '');
      });
      for (const [name, value] of Object.entries(named)) own.set(name, value ?? '');
    },
  };
  return variables;
}

/** The names of the variables in a text. */
export function listReferences(text: string): string[] {
  return [...text.matchAll(REFERENCE)].map(([, braced, plain]) => braced ?? plain ?? '');
}
