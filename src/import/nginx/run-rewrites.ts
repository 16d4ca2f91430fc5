import type { PatternMatcher } from '../pattern-matcher.ts';
import type { Directive } from './directive.ts';
import type { Variables } from './variables.ts';

/** How the rewrite phase of a block ends. */
export type RewriteEnd =
  | { readonly do: 'return'; readonly directive: Directive }
  /** A redirect that a rewrite makes. */
  | { readonly do: 'redirect'; readonly directive: Directive; readonly status: number; readonly location: string }
  /** Another location is looked for, for the path in `uri`. */
  | { readonly do: 'search' }
  /** The block goes on; `inside` is the last `if` that held, whose directives count as well. */
  | { readonly do: 'proceed'; readonly inside: readonly Directive[] | undefined };

/**
 * Runs the directives of nginx's rewrite module in the order in which they stand (set, if, rewrite, return, break).
 * Changes the variables and their `uri`. A condition that cannot be known is taken not to hold.
 */
export function runRewrites(
  block: readonly Directive[],
  variables: Variables,
  matcher: PatternMatcher,
  level: 'server' | 'location',
): RewriteEnd {
  let inside: readonly Directive[] | undefined;
  let searched = false;
  for (const directive of block) {
    const { name, args } = directive;
    if (name === 'set') variables.set((args[0] ?? '').replace(/^\$/, ''), variables.expand(args[1] ?? ''));
    else if (name === 'return') return { do: 'return', directive };
    else if (name === 'break') return { do: 'proceed', inside };
    else if (name === 'if' && directive.block !== undefined) {
      if (!holds(args, variables, matcher)) continue;
      const end = runRewrites(directive.block, variables, matcher, level);
      if (end.do !== 'proceed') return end;
      inside = directive.block;
      if (directive.block.some((one) => one.name === 'break')) return { do: 'proceed', inside };
    } else if (name === 'rewrite') {
      const flag = args[2];
      const match = matcher.match(args[0] ?? '', '', variables.uri);
      if (match === undefined) continue;
      variables.capture(match);
      const replacement = variables.expand(args[1] ?? '');
      if (replacement === undefined) continue;
      const moves = flag === 'redirect' || flag === 'permanent' || /^(https?:\/\/|\$scheme)/.test(args[1] ?? '');
      if (moves) {
        const status = flag === 'permanent' ? 301 : 302;
        return { do: 'redirect', directive, status, location: replacement };
      }
      variables.uri = replacement.split('?', 1)[0]!;
      if (flag === 'last') return { do: 'search' };
      if (flag === 'break') return { do: 'proceed', inside };
      searched = true;
    }
  }
  return searched && level === 'location' ? { do: 'search' } : { do: 'proceed', inside };
}

/** `($host = example.com)`, `($request_method ~* ^(GET|HEAD)$)`, `(-f $file)`, `($variable)`. */
function holds(args: readonly string[], variables: Variables, matcher: PatternMatcher): boolean {
  const words = trimBrackets(args);
  const [left = '', operator, right = ''] = words;
  // Whether files are there, nobody can say elsewhere than on that machine.
  if (/^!?-[fdex]$/.test(left)) return false;
  const value = variables.expand(left);
  if (value === undefined) return false;
  if (operator === undefined) return value !== '' && value !== '0';
  if (operator === '=' || operator === '!=') return (value === right) === (operator === '=');
  const match = matcher.match(right, operator.includes('*') ? 'i' : '', value);
  if (match !== undefined && !operator.startsWith('!')) variables.capture(match);
  return (match !== undefined) !== operator.startsWith('!');
}

function trimBrackets(args: readonly string[]): readonly string[] {
  const words = [...args];
  words[0] = (words[0] ?? '').replace(/^\(/, '');
  const last = words.length - 1;
  words[last] = words[last]!.replace(/\)$/, '');
  return words.filter((word, index) => word !== '' || (index > 0 && index < last));
}
