import type { Segment } from './parse-caddyfile.ts';
import { type HandlerContext, readHandler } from './read-handler.ts';
import { readNamedMatchers } from './read-matcher.ts';
import type { CaddyMatch, CaddyRoute } from './route.ts';

/** The order in which Caddy runs directives, whatever their order in the file (httpcaddyfile/directives.go). */
const ORDER = [
  ...['tracing', 'map', 'vars', 'fs', 'root', 'header', 'copy_response_headers', 'request_body', 'redir', 'method'],
  ...[
    'rewrite',
    'uri',
    'try_files',
    'basicauth',
    'basic_auth',
    'forward_auth',
    'request_header',
    'encode',
    'push',
    'intercept',
  ],
  ...['templates', 'invoke', 'handle', 'handle_path', 'route', 'abort', 'error', 'copy_response', 'respond', 'metrics'],
  ...['reverse_proxy', 'php_fastcgi', 'file_server', 'acme_server'],
];
/** Directives that take no matcher. */
const WITHOUT_MATCHER = new Set(['try_files', 'tls', 'encode', 'log', 'bind', 'import', 'invoke']);

export interface DirectiveContext {
  readonly routes: ReadonlyMap<string, readonly Segment[]>;
  readonly matchers: ReadonlyMap<string, CaddyMatch>;
  readonly depth: number;
}

const DEEPEST = 32;

interface Placed {
  readonly rank: number;
  readonly length: number;
  readonly route: CaddyRoute;
}

/** The routes of a block of directives; `sorted` is false within `route`, where they stand in their order. */
export function readDirectives(
  segments: readonly Segment[],
  context: DirectiveContext,
  sorted: boolean,
): readonly CaddyRoute[] {
  if (context.depth > DEEPEST) return [];
  const matchers = new Map([...context.matchers, ...readNamedMatchers(segments)]);
  const below: DirectiveContext = { ...context, matchers, depth: context.depth + 1 };
  const inner: HandlerContext = { routes: context.routes, read: (some, order) => readDirectives(some, below, order) };
  const placed = segments.flatMap((segment): readonly Placed[] => {
    const [first, ...rest] = segment.words;
    const name = first?.text ?? '';
    if (first === undefined || name.startsWith('@')) return [];
    const { match, args } = WITHOUT_MATCHER.has(name) ? { match: undefined, args: rest } : takeMatcher(rest, matchers);
    const read = readHandler(name, args, segment, inner);
    if (read === undefined) return [];
    // handle_path takes its prefix away, so it stands in the same group as handle.
    const group = name === 'handle' || name === 'handle_path' ? 'handle' : undefined;
    const rank = ORDER.indexOf(name === 'handle_path' ? 'handle' : name);
    const path = match?.paths?.length === 1 ? match.paths[0]! : '';
    const route: CaddyRoute = { match: match === undefined ? [] : [match], handle: [read], group, terminal: false };
    return [{ rank, length: path.length + (match === undefined ? 0 : 1), route }];
  });
  // The longer path first, and what has no matcher last; equal ones stay as they stand.
  const ordered = sorted ? placed.toSorted((a, b) => a.rank - b.rank || b.length - a.length) : placed;
  return ordered.map(({ route }) => route);
}

function takeMatcher(words: Segment['words'], matchers: ReadonlyMap<string, CaddyMatch>) {
  const [first, ...rest] = words;
  if (first === undefined || first.quoted) return { match: undefined, args: words };
  if (first.text === '*') return { match: undefined, args: rest };
  if (first.text.startsWith('/')) return { match: { paths: [first.text] } satisfies CaddyMatch, args: rest };
  if (first.text.startsWith('@')) return { match: matchers.get(first.text) ?? { unknown: true }, args: rest };
  return { match: undefined, args: words };
}
