import { isAbsolute, join } from 'node:path';
import type { PatternMatcher } from '../pattern-matcher.ts';
import type { Place } from '../place.ts';
import type { Outcome, SiteRequest } from '../site.ts';
import type { SourceFiles } from '../source-files.ts';
import { type Directive, findDirective } from './directive.ts';
import { findLocation, type Location, listLocations } from './find-location.ts';
import { readReturn, readStatic } from './read-answer.ts';
import { readProxyAddress } from './read-target.ts';
import { readWay } from './read-way.ts';
import { type RewriteEnd, runRewrites } from './run-rewrites.ts';
import { findInherited, listInherited, type Scope } from './scope.ts';
import { createVariables } from './variables.ts';

/** What is around the server blocks. */
export interface NginxWorld {
  /** The directives of `http`. */
  readonly http: readonly Directive[];
  readonly upstreams: ReadonlyMap<string, Directive>;
  readonly maps: ReadonlyMap<string, Directive>;
  readonly matcher: PatternMatcher;
  readonly files: SourceFiles;
  /** Where relative paths start: the folder of the main file. */
  readonly root: string;
}

/** nginx itself allows ten internal redirects. */
const MOST_TURNS = 10;
const MOST_ENTERED = 30;
/** What makes an answer that is not ours to know. */
const FOREIGN =
  /^(fastcgi|uwsgi|scgi|grpc|memcached)_pass$|^content_by_lua|^js_content$|^(stub_status|autoindex_format|empty_gif|perl|dav_methods)$/;

/** What a server block does with a GET of a path: nginx's phases, as far as they decide that. */
export function askServer(
  server: Directive,
  request: SiteRequest & { readonly tls: boolean; readonly serverName: string },
  world: NginxWorld,
): Outcome {
  const { matcher, files } = world;
  const block = server.block ?? [];
  const variables = createVariables(request, world.maps, matcher);
  const outer: Scope = [block, world.http];
  let entered = 0;

  const first = runRewrites(block, variables, matcher, 'server');
  const ended = end(first, outer);
  if (ended !== undefined) return ended;
  for (let turn = 0; turn < MOST_TURNS; turn++) {
    const found = findLocation(block, variables.uri, matcher);
    if (found?.match !== undefined) variables.capture(found.match);
    const outcome = enter(found?.locations ?? []);
    if (outcome !== undefined) return outcome;
  }
  return { do: 'other', place: server.place, what: 'rewrites that lead in a circle' };

  /** Undefined where another location has to be looked for. */
  function enter(locations: readonly Location[]): Outcome | undefined {
    if (++entered > MOST_ENTERED) return { do: 'other', place: server.place, what: 'locations that lead in a circle' };
    const inner = locations[0]?.directive;
    const blocks = locations.map(({ directive }) => directive.block!);
    const rewritten = inner === undefined ? undefined : runRewrites(inner.block!, variables, matcher, 'location');
    if (rewritten?.do === 'search') return undefined;
    const inside = rewritten?.do === 'proceed' && rewritten.inside !== undefined ? [rewritten.inside] : [];
    const scope: Scope = [...inside, ...blocks, ...outer];
    if (rewritten !== undefined) {
      const outcome = end(rewritten, scope);
      if (outcome !== undefined) return outcome;
    }
    const place = inner?.place ?? server.place;
    return answer(scope, [...inside, ...blocks.slice(0, 1)], locations[0], place);
  }

  function end(ending: RewriteEnd, scope: Scope): Outcome | undefined {
    if (ending.do === 'redirect') {
      const { directive, status, location } = ending;
      return { do: 'redirect', place: directive.place, status, location, headers: NO_HEADERS };
    }
    if (ending.do !== 'return') return undefined;
    const named = findErrorPage(scope, ending.directive.args[0] ?? '');
    // error_page 418 = @synapse; return 418; is how people go to a named location.
    return (named === undefined ? undefined : enter([named])) ?? readReturn(ending.directive, scope, variables);
  }

  function findErrorPage(scope: Scope, status: string): Location | undefined {
    const page = listInherited(scope, 'error_page').find(
      ({ args }) => args.includes(status) && args.at(-1)?.startsWith('@'),
    );
    return page === undefined ? undefined : findNamed(page.args.at(-1)!);
  }

  function findNamed(name: string): Location | undefined {
    return listLocations(block).find(({ kind, match }) => kind === '@' && `@${match}` === name);
  }

  /** The content of a location, from its own handler or else from files. */
  function answer(scope: Scope, own: Scope, location: Location | undefined, place: Place): Outcome | undefined {
    const handler = own
      .map((one) => findDirective(one, 'proxy_pass') ?? one.find(({ name }) => FOREIGN.test(name)))
      .find((one) => one !== undefined);
    const tried =
      findInherited(own, 'try_files') ?? (location === undefined ? findInherited(scope, 'try_files') : undefined);
    if (tried !== undefined) {
      const outcome = tryFiles(tried, scope, location, place);
      if (outcome !== 'here') return outcome;
    }
    if (handler?.name === 'proxy_pass') return pass(handler, scope, location);
    if (handler !== undefined) return { do: 'other', place: handler.place, what: handler.name };
    return readFiles(variables.uri, scope, location, place);
  }

  /** 'here' where the files are not there and nothing else is named: the location's own content then. */
  function tryFiles(
    directive: Directive,
    scope: Scope,
    location: Location | undefined,
    place: Place,
  ): Outcome | 'here' | undefined {
    for (const name of directive.args.slice(0, -1)) {
      const path = variables.expand(name);
      const file = path === undefined ? undefined : findPath(path, scope, location);
      if (file !== undefined && files.kindOf(file) === 'file')
        return readStatic(directive.place, file, scope, variables, files);
    }
    const last = directive.args.at(-1) ?? '';
    if (last.startsWith('@')) {
      const named = findNamed(last);
      return named === undefined ? 'here' : enter([named]);
    }
    if (/^=\d{3}$/.test(last)) {
      // Files that could not be looked at may well be there on the machine itself.
      return { do: 'files', place, folder: findPath('', scope, location) };
    }
    const next = variables.expand(last);
    if (next === undefined) return { do: 'other', place: directive.place, what: `try_files ${last}` };
    if (/\.[a-z]+$/i.test(next.split('?', 1)[0]!)) {
      const file = findPath(next, scope, location);
      return file === undefined ? 'here' : readStatic(directive.place, file, scope, variables, files);
    }
    variables.uri = next.split('?', 1)[0]!;
    return undefined;
  }

  function readFiles(uri: string, scope: Scope, location: Location | undefined, place: Place): Outcome {
    const file = findPath(uri, scope, location);
    // nginx then looks in a folder of its own, where nothing of anybody's is.
    if (file === undefined) return { do: 'answer', place, status: 404, body: undefined, headers: NO_HEADERS };
    const folder = findPath('', scope, location);
    if (uri.endsWith('/') || files.kindOf(file) !== 'file') {
      // A folder that is here tells what is not in it.
      const gone = !uri.endsWith('/') && folder !== undefined && files.kindOf(folder) === 'folder';
      if (gone) return { do: 'answer', place, status: 404, body: undefined, headers: NO_HEADERS };
      return { do: 'files', place, folder };
    }
    return readStatic(place, file, scope, variables, files);
  }

  /** Where nginx has the file of a path, by alias or root. */
  function findPath(uri: string, scope: Scope, location: Location | undefined): string | undefined {
    const alias = location === undefined ? undefined : findDirective(location.directive.block!, 'alias');
    const written = (alias ?? findInherited(scope, 'root'))?.args[0];
    const expanded = written === undefined ? undefined : variables.expand(written);
    if (expanded === undefined) return undefined;
    const base = isAbsolute(expanded) ? expanded : join(world.root, expanded);
    if (alias === undefined) return `${base.replace(/\/$/, '')}${uri}`;
    const prefix = location?.kind === '~' || location?.kind === '~*' ? undefined : location?.match;
    return prefix !== undefined && uri.startsWith(prefix) ? `${base}${uri.slice(prefix.length)}` : base;
  }

  function pass(directive: Directive, scope: Scope, location: Location | undefined): Outcome {
    const written = directive.args[0] ?? '';
    const url = variables.expand(written);
    const address = url === undefined ? undefined : readProxyAddress(url, world.upstreams);
    if (address === undefined) return { do: 'other', place: directive.place, what: `proxy_pass ${written}` };
    const rewritten = findRewritten(address.path, written, location);
    return { do: 'proxy', place: directive.place, target: address.target, way: readWay(directive, scope, rewritten) };
  }

  /** The path that goes on where it does not go on as it came. */
  function findRewritten(
    path: string | undefined,
    written: string,
    location: Location | undefined,
  ): string | undefined {
    if (path === undefined) return variables.uri === request.path ? undefined : variables.uri;
    if (written.includes('$')) return written.includes('$request_uri') && path === request.path ? undefined : path;
    const prefix =
      location?.kind === 'prefix' || location?.kind === '^~' || location?.kind === '=' ? location.match : '';
    return `${path}${variables.uri.slice(prefix.length)}`;
  }
}

const NO_HEADERS = { contentTypes: [], allowOrigin: [] };
