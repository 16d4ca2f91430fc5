import type { PatternMatch, PatternMatcher } from '../pattern-matcher.ts';
import type { Directive } from './directive.ts';

/** A location block and how it is chosen. */
export interface Location {
  readonly directive: Directive;
  readonly kind: '=' | '^~' | '~' | '~*' | 'prefix' | '@';
  /** The path, the regular expression, or the name after the @. */
  readonly match: string;
}

export interface FoundLocation {
  /** The blocks that the request is in, the innermost first. */
  readonly locations: readonly Location[];
  readonly match: PatternMatch | undefined;
}

/** Reads a location's arguments; undefined for what is none. nginx takes the modifier with and without a space. */
export function readLocation(directive: Directive): Location | undefined {
  const [first = '', second] = directive.args;
  if (directive.name !== 'location' || directive.block === undefined || first === '') return undefined;
  if (second !== undefined) {
    if (first !== '=' && first !== '^~' && first !== '~' && first !== '~*') return undefined;
    return { directive, kind: first, match: second };
  }
  for (const kind of ['=', '^~', '~*', '~', '@'] as const)
    if (first.startsWith(kind)) return { directive, kind, match: first.slice(kind.length) };
  return { directive, kind: 'prefix', match: first };
}

/** As a person would write it. */
export function formatLocation({ kind, match }: Location): string {
  if (kind === 'prefix' || kind === '@') return `location ${kind === '@' ? '@' : ''}${match}`;
  return `location ${kind} ${match}`;
}

export function listLocations(block: readonly Directive[]): readonly Location[] {
  return block.map(readLocation).filter((location) => location !== undefined);
}

/**
 * The location that nginx chooses for a path (ngx_http_core_find_location): an exact one, else the first regular
 * expression that matches unless the longest prefix forbids it with ^~, else the longest prefix; and the same within it.
 */
export function findLocation(
  block: readonly Directive[],
  path: string,
  matcher: PatternMatcher,
): FoundLocation | undefined {
  const found = descend(block, path, matcher);
  return found === undefined ? undefined : { locations: found.locations.toReversed(), match: found.match };
}

interface Descent {
  /** The outermost first. */
  readonly locations: readonly Location[];
  readonly match: PatternMatch | undefined;
  readonly final: boolean;
}

function descend(block: readonly Directive[], path: string, matcher: PatternMatcher): Descent | undefined {
  const locations = listLocations(block);
  const exact = locations.find(({ kind, match }) => kind === '=' && match === path);
  if (exact !== undefined) return { locations: [exact], match: undefined, final: true };
  const longest = locations
    .filter(({ kind, match }) => (kind === 'prefix' || kind === '^~') && path.startsWith(match))
    .reduce<Location | undefined>(
      (best, one) => (best === undefined || one.match.length > best.match.length ? one : best),
      undefined,
    );
  const inner = longest === undefined ? undefined : descend(longest.directive.block!, path, matcher);
  const still: Descent | undefined =
    longest === undefined
      ? undefined
      : { locations: [longest, ...(inner?.locations ?? [])], match: inner?.match, final: inner?.final ?? false };
  if (still?.final || longest?.kind === '^~') return still;
  for (const location of locations) {
    if (location.kind !== '~' && location.kind !== '~*') continue;
    const match = matcher.match(location.match, location.kind === '~*' ? 'i' : '', path);
    if (match === undefined) continue;
    const below = descend(location.directive.block!, path, matcher);
    return { locations: [location, ...(below?.locations ?? [])], match: below?.match ?? match, final: true };
  }
  return still;
}
