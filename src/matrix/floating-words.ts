import type { PlainPattern } from './path-pattern.ts';

/** Finds patterns that begin with `.*` in the rest of a path, from `from` (after a slash) to `end`. */
export interface FloatingWords {
  /** The lowest order of all patterns; what is lower already need not be looked for. */
  readonly least: number;
  /** The lowest order of the patterns that match, or `best` if that is lower. Reads the path once, left to right. */
  match(target: string, from: number, end: number, best: number): number;
}

/** What follows the first `.*`; its first literal begins with a slash. */
type Rest = Pick<PlainPattern, 'literals' | 'anchored'>;

interface Rule {
  readonly rest: Rest;
  readonly order: number;
}

/** One segment: as a whole the last of the path, as a whole with more behind it, or the beginning of one. */
interface Word {
  readonly kind: 'last' | 'inner' | 'beginning';
  readonly text: string;
}

/**
 * Patterns of one word (`/members$`, `/state/`, `/redact`) are found by walking over the segments, with a look at the
 * first character of each; the few others by searching for their literals, each behind the one before, without going
 * back.
 */
export function createFloatingWords(rules: readonly Rule[]): FloatingWords {
  /** By the code of their first character. */
  const words: (Word & { readonly order: number })[][] = [];
  const searched: Rule[] = [];
  for (const { rest, order } of rules) {
    const word = readWord(rest);
    if (word === undefined) searched.push({ rest, order });
    else {
      const code = word.text.charCodeAt(0);
      words[code] = [...(words[code] ?? []), { ...word, order }];
    }
  }

  function walk(target: string, from: number, end: number, before: number): number {
    let best = before;
    let slash = target.indexOf('/', from);
    while (slash !== -1 && slash < end) {
      const start = slash + 1;
      slash = target.indexOf('/', start);
      const list = words[target.charCodeAt(start)];
      if (list === undefined) continue;
      const isLast = slash === -1 || slash >= end;
      const length = (isLast ? end : slash) - start;
      for (const { kind, text, order } of list) {
        if (order >= best || text.length > length || !target.startsWith(text, start)) continue;
        if (kind === 'beginning' || (text.length === length && (kind === 'last') === isLast)) best = order;
      }
    }
    return best;
  }

  return {
    least: Math.min(...rules.map((rule) => rule.order)),
    match(target, from, end, before) {
      let best = words.length > 0 ? walk(target, from, end, before) : before;
      for (const { rest, order } of searched) if (order < best && search(rest, target, from, end)) best = order;
      return best;
    },
  };
}

/** The one word of `/word$`, `/word/` or `/word`; undefined where there is more than one segment. */
function readWord({ literals, anchored }: Rest): Word | undefined {
  if (literals.length > 1) return undefined;
  const text = literals[0]!.slice(1);
  const inner = text.endsWith('/');
  const word = inner ? text.slice(0, -1) : text;
  if (word === '' || word.includes('/') || (inner && anchored)) return undefined;
  return { kind: anchored ? 'last' : inner ? 'inner' : 'beginning', text: word };
}

/** The first place of each literal behind the one before is as good as any other: there is no going back. */
function search({ literals, anchored }: Rest, target: string, from: number, end: number): boolean {
  let at = from;
  for (const [index, literal] of literals.entries()) {
    if (anchored && index === literals.length - 1) {
      return end - literal.length >= at && target.startsWith(literal, end - literal.length);
    }
    const found = target.indexOf(literal, at);
    if (found === -1 || found + literal.length > end) return false;
    at = found + literal.length;
  }
  return true;
}
