import { extname } from 'node:path';
import type { PatternMatcher } from '../pattern-matcher.ts';
import type { Place } from '../place.ts';
import type { AnswerHeaders, Outcome, SiteRequest } from '../site.ts';
import type { SourceFiles } from '../source-files.ts';
import { listNetworks, matchesAny } from './match-request.ts';
import { readDial } from './read-dial.ts';
import type { CaddyHandler, CaddyRoute } from './route.ts';

export interface CaddyWorld {
  readonly matcher: PatternMatcher;
  readonly files: SourceFiles;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const TYPES: Readonly<Record<string, string>> = { '.json': 'application/json', '.html': 'text/html' };
/** Routes in routes: a request meets no more than these. */
const MOST_STEPS = 100_000;

/** What Caddy's routes do with a GET of a path, in the order of its middleware. `place` is the site's. */
export function askRoutes(
  routes: readonly CaddyRoute[],
  request: SiteRequest,
  place: Place,
  { matcher, files }: CaddyWorld,
): Outcome {
  const headers = new Map<string, { readonly value: string; readonly place: Place }>();
  let path = request.path;
  let root: string | undefined;
  let allowed: readonly string[] | undefined;
  let limit: { bytes: number; place: Place } | undefined;
  let steps = 0;

  const outcome = run(routes);
  // Caddy answers 200 with nothing where no route does.
  if (outcome !== undefined && outcome !== 'stop') return outcome;
  return { do: 'answer', place, status: 200, body: '', headers: listHeaders('') };

  function run(some: readonly CaddyRoute[]): Outcome | 'stop' | undefined {
    const taken = new Set<string>();
    for (const route of some) {
      if (++steps > MOST_STEPS) return { do: 'other', place, what: 'too many routes' };
      if (route.group !== undefined && taken.has(route.group)) continue;
      const networks = request.inside === true ? listNetworks(route.match) : [];
      if (networks.length > 0) allowed = [...(allowed ?? []), ...networks];
      if (!matchesAny(route.match, { ...request, path }, matcher)) continue;
      if (route.group !== undefined) taken.add(route.group);
      for (const handler of route.handle) {
        const outcome = handle(handler);
        if (outcome !== undefined) return outcome;
      }
      if (route.terminal) return 'stop';
    }
    return undefined;
  }

  function handle(handler: CaddyHandler): Outcome | 'stop' | undefined {
    switch (handler.do) {
      case 'subroute':
        return run(handler.routes);
      case 'headers':
        for (const [name, value] of handler.set) headers.set(name.toLowerCase(), { value, place: handler.place });
        return undefined;
      case 'rewrite':
        if (handler.strip !== undefined && path.startsWith(handler.strip))
          path = path.slice(handler.strip.length) || '/';
        if (handler.uri !== undefined) path = (expand(handler.uri) ?? path).split('?', 1)[0]!;
        return undefined;
      case 'root':
        root = handler.root;
        return undefined;
      case 'body-limit':
        limit = handler;
        return undefined;
      case 'proxy':
        return proxy(handler);
      case 'respond':
        return respond(handler);
      case 'files':
        return serveFile(handler.root ?? root, handler.place);
      case 'other':
        return { do: 'other', place: handler.place, what: handler.what };
    }
  }

  function proxy(handler: Extract<CaddyHandler, { do: 'proxy' }>): Outcome {
    const [first, ...others] = handler.dial.map((dial) => readDial(dial, handler.tls));
    if (first === undefined || first.includes('{')) return { do: 'other', place: handler.place, what: 'reverse_proxy' };
    return {
      do: 'proxy',
      place: handler.place,
      target: { text: first, tls: handler.tls || first.startsWith('https:'), others },
      way: {
        rewritten: path === request.path ? undefined : path,
        bodyLimit: limit,
        readTimeout: handler.timeout === undefined ? undefined : { seconds: handler.timeout, place: handler.place },
        forwardedFor: { how: 'set', place: handler.place },
        forwardedProto: true,
        host: !handler.changesHost,
        buffered: false,
        addsCors: headers.get('access-control-allow-origin')?.place,
        replacesErrors: undefined,
        allowed,
      },
    };
  }

  function respond({ place: at, status, body, location }: Extract<CaddyHandler, { do: 'respond' }>): Outcome {
    const to = location ?? headers.get('location')?.value;
    if (to !== undefined && REDIRECTS.has(status)) {
      return { do: 'redirect', place: at, status, location: expand(to) ?? to, headers: listHeaders('') };
    }
    return { do: 'answer', place: at, status, body: expand(body) ?? body, headers: listHeaders(guessType(body)) };
  }

  function serveFile(folder: string | undefined, at: Place): Outcome {
    const file = folder === undefined ? undefined : `${folder.replace(/\/$/, '')}${path}`;
    if (file === undefined || path.endsWith('/') || files.kindOf(file) !== 'file') {
      const gone = folder !== undefined && !path.endsWith('/') && files.kindOf(folder) === 'folder';
      if (gone) return { do: 'answer', place: at, status: 404, body: '', headers: listHeaders('') };
      return { do: 'files', place: at, folder };
    }
    const type = TYPES[extname(file)] ?? 'text/plain; charset=utf-8';
    return { do: 'answer', place: at, status: 200, body: files.read(file), headers: listHeaders(type) };
  }

  function listHeaders(type: string): AnswerHeaders {
    const contentType = headers.get('content-type')?.value ?? type;
    const allowOrigin = headers.get('access-control-allow-origin')?.value;
    return {
      contentTypes: contentType === '' ? [] : [contentType],
      allowOrigin: allowOrigin === undefined ? [] : [allowOrigin],
    };
  }

  /** Caddy's placeholders, as far as a request decides them. */
  function expand(text: string): string | undefined {
    let known = true;
    const expanded = text.replaceAll(/\{([a-z_][\w.]*)\}/g, (whole, name: string) => {
      if (name === 'uri' || name === 'http.request.uri' || name === 'path' || name === 'http.request.uri.path')
        return path;
      if (name === 'host' || name === 'http.request.host' || name === 'hostport' || name === 'http.request.hostport')
        return request.host;
      if (name === 'query' || name === 'http.request.uri.query') return '';
      if (name === 'scheme' || name === 'http.request.scheme') return 'https';
      known = false;
      return whole;
    });
    return known ? expanded : undefined;
  }
}

/** Caddy sees whether a body is JSON (caddyhttp/staticresp.go). */
function guessType(body: string): string {
  const text = body.trim();
  if (!/^[[{]/.test(text)) return 'text/plain; charset=utf-8';
  try {
    JSON.parse(text);
    return 'application/json';
  } catch {
    return 'text/plain; charset=utf-8';
  }
}
