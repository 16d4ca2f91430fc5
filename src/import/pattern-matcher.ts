import { createContext, Script } from 'node:vm';
import { tooLarge } from './import-error.ts';

/** What a regular expression matched: the whole first, then its groups; those with names by name. */
export interface PatternMatch {
  readonly groups: readonly (string | undefined)[];
  readonly named: Readonly<Record<string, string | undefined>>;
}

/** Runs regular expressions that other people wrote, each in bounded time. */
export interface PatternMatcher {
  /** Undefined where it does not match, or cannot be run here: `refused` has it then. */
  match(pattern: string, flags: '' | 'i', text: string): PatternMatch | undefined;
  /** Patterns that were not understood, or took too long. */
  readonly refused: ReadonlySet<string>;
}

/** Milliseconds for one match of one pattern. */
const PATIENCE = 100;
const MOST_REFUSED = 10;
/** Each under a clock costs a quarter of a millisecond. */
const MOST_TIMED = 20_000;

export function createPatternMatcher(): PatternMatcher {
  const compiled = new Map<string, { readonly regex: RegExp; readonly harmless: boolean } | undefined>();
  const refused = new Set<string>();
  const sandbox: { regex: RegExp; text: string } = { regex: /^/, text: '' };
  const script = new Script('regex.exec(text)');
  let context: object | undefined;
  let timed = 0;

  function compile(pattern: string, flags: '' | 'i') {
    const key = `${flags}/${pattern}`;
    if (compiled.has(key)) return compiled.get(key);
    const regex = toRegExp(pattern, flags);
    const one = regex === undefined ? undefined : { regex, harmless: isHarmless(pattern) };
    if (one === undefined) refused.add(pattern);
    compiled.set(key, one);
    return one;
  }

  return {
    refused,
    match(pattern, flags, text) {
      const one = compile(pattern, flags);
      if (one === undefined) return undefined;
      if (one.harmless) return toMatch(one.regex.exec(text));
      if (++timed > MOST_TIMED) throw tooLarge('There are too many regular expressions to try');
      Object.assign(sandbox, { regex: one.regex, text });
      context ??= createContext(sandbox);
      try {
        return toMatch(script.runInContext(context, { timeout: PATIENCE }) as RegExpExecArray | null);
      } catch {
        // It backtracks without end, and would on every path.
        compiled.set(`${flags}/${pattern}`, undefined);
        refused.add(pattern);
        if (refused.size > MOST_REFUSED) throw tooLarge('Too many regular expressions take too long');
        return undefined;
      }
    },
  };
}

function toMatch(found: RegExpExecArray | null): PatternMatch | undefined {
  return found === null ? undefined : { groups: [...found], named: { ...found.groups } };
}

/** PCRE (nginx) and RE2 (Caddy) in JavaScript's spelling; undefined for what JavaScript does not have. */
function toRegExp(pattern: string, flags: '' | 'i'): RegExp | undefined {
  const insensitive = pattern.startsWith('(?i)');
  const text = (insensitive ? pattern.slice(4) : pattern)
    .replaceAll('(?P<', '(?<')
    .replace(/^\\A/, '^')
    .replace(/\\[zZ]$/, '$');
  try {
    return new RegExp(text, insensitive ? 'i' : flags);
  } catch {
    return undefined;
  }
}

/** Few repetitions and none of a group: fast on the short paths that are tried. Everything else runs under a clock. */
function isHarmless(pattern: string): boolean {
  return !/\)[*+{]|\\[1-9k]/.test(pattern) && (pattern.match(/[*+{]/g) ?? []).length <= 4;
}
