import { parseSize } from '../../base/quantity.ts';
import { readSeconds } from '../nginx/read-quantity.ts';
import type { CaddyWord } from './lex-caddyfile.ts';
import type { Segment } from './parse-caddyfile.ts';
import type { CaddyHandler, CaddyRoute } from './route.ts';

/** What a directive needs to know of those around it. */
export interface HandlerContext {
  /** `&(name)`, for invoke. */
  readonly routes: ReadonlyMap<string, readonly Segment[]>;
  /** The routes of a block; `sorted` where they run in Caddy's order and not in that of the file. */
  read(segments: readonly Segment[], sorted: boolean): readonly CaddyRoute[];
}

const REDIRECTS: Readonly<Record<string, number>> = { permanent: 301, temporary: 302, html: 200 };

/** What a directive does with a request; undefined for those that do not decide where it goes. */
export function readHandler(
  name: string,
  words: readonly CaddyWord[],
  segment: Segment,
  context: HandlerContext,
): CaddyHandler | undefined {
  const args = words.map(({ text }) => text);
  const { place, block = [] } = segment;
  const inside = (segments: readonly Segment[], sorted = true): CaddyHandler => ({
    do: 'subroute',
    routes: context.read(segments, sorted),
  });
  switch (name) {
    case 'handle':
      return inside(block);
    case 'route':
      return inside(block, false);
    case 'handle_path': {
      const written = segment.words[1]?.text ?? '';
      const strip: CaddyRoute = {
        match: [],
        handle: [{ do: 'rewrite', strip: written.replace(/\*$/, '').replace(/\/$/, '') }],
        group: undefined,
        terminal: false,
      };
      return { do: 'subroute', routes: [strip, ...context.read(block, true)] };
    }
    case 'invoke':
      return inside(context.routes.get(args[0] ?? '') ?? []);
    case 'reverse_proxy':
      return readProxy(args, segment);
    case 'respond':
      return readRespond(args, segment);
    case 'redir':
      return { do: 'respond', place, status: readRedirect(args[1]), body: '', location: args[0] ?? '' };
    case 'error':
    case 'abort':
      return { do: 'respond', place, status: Number(args.find((arg) => /^\d{3}$/.test(arg)) ?? 500), body: '' };
    case 'header':
      return { do: 'headers', place, set: readHeaders(args, block) };
    case 'rewrite':
      return { do: 'rewrite', uri: args[0] ?? '' };
    case 'uri':
      return args[0] === 'strip_prefix' ? { do: 'rewrite', strip: args[1] ?? '' } : { do: 'rewrite' };
    case 'root':
      return { do: 'root', root: args[0] ?? '' };
    case 'request_body': {
      const size = parseSize(findOption(block, 'max_size')?.[0] ?? '');
      return size.ok ? { do: 'body-limit', place, bytes: size.value } : undefined;
    }
    case 'file_server':
      return { do: 'files', place };
    case 'php_fastcgi':
    case 'acme_server':
    case 'metrics':
      return { do: 'other', place, what: name };
    default:
      return undefined;
  }
}

function readProxy(args: readonly string[], { place, block = [] }: Segment): CaddyHandler {
  const more = block
    .filter(({ words }) => words[0]?.text === 'to')
    .flatMap(({ words }) => words.slice(1).map(({ text }) => text));
  const transport = block.find(({ words }) => words[0]?.text === 'transport')?.block ?? [];
  const host = block.find(({ words }) => words[0]?.text === 'header_up' && words[1]?.text.toLowerCase() === 'host');
  const timeout = findOption(transport, 'response_header_timeout')?.[0];
  return {
    do: 'proxy',
    place,
    dial: [...args, ...more],
    tls: transport.some(({ words }) => words[0]?.text.startsWith('tls')),
    changesHost: host?.words[2]?.text.includes('upstream') ?? false,
    timeout: timeout === undefined ? undefined : readSeconds(timeout),
  };
}

function readRespond(args: readonly string[], { place, block = [] }: Segment): CaddyHandler {
  const body = findOption(block, 'body')?.[0];
  const [first = '', second] = args;
  const bare = second === undefined && /^\d{3}$/.test(first);
  const status = bare ? first : (second ?? '200');
  return { do: 'respond', place, status: Number(status) || 200, body: body ?? (bare ? '' : first) };
}

function readRedirect(code: string | undefined): number {
  if (code === undefined) return 302;
  return Object.hasOwn(REDIRECTS, code) ? REDIRECTS[code]! : Number(code) || 302;
}

/** What is set; what is removed, added only by default or only in requests does not count. */
function readHeaders(args: readonly string[], block: readonly Segment[]): readonly (readonly [string, string])[] {
  const lines = [args, ...block.map(({ words }) => words.map(({ text }) => text))];
  return lines.flatMap(([name = '', value]) =>
    value === undefined || name.startsWith('-') ? [] : [[name.replace(/^[+?>]/, ''), value] as const],
  );
}

function findOption(block: readonly Segment[], name: string): readonly string[] | undefined {
  return block
    .find(({ words }) => words[0]?.text === name)
    ?.words.slice(1)
    .map(({ text }) => text);
}
