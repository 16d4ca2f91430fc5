/** A gap in a pattern: any text, slashes included (`.*`), or one path segment that is not empty (`[^/]+`). */
export type Gap = 'any' | 'segment';

/** A pattern without alternatives: literal, gap, literal, gap, ... literal. */
export interface PlainPattern {
  readonly literals: readonly string[];
  /** One fewer than the literals. */
  readonly gaps: readonly Gap[];
  /** Whether the path must end where the pattern does. */
  readonly anchored: boolean;
}

const GROUP = /^([^()]*)\(([^()]*)\)(\?)?(.*)$/s;
const GAP = /\.\*|\[\^\/\]\+/;

/**
 * Reads a path pattern in the notation of Synapse's documentation as the plain patterns that it stands for: groups of
 * alternatives are written out. A dot by itself is a dot. Throws for what the notation does not have: patterns are
 * ours, and nothing that a stranger sends is one.
 */
export function readPathPattern(pattern: string): readonly PlainPattern[] {
  return writeOut(pattern).map(readPlain);
}

function writeOut(pattern: string): readonly string[] {
  const group = GROUP.exec(pattern);
  if (group === null) return [pattern];
  const [, before, within, optional, after] = group;
  const choices = within!.split('|');
  if (optional !== undefined) choices.push('');
  return choices.flatMap((choice) => writeOut(`${before}${choice}${after}`));
}

function readPlain(written: string): PlainPattern {
  // `(/|$)` leaves `$` in the middle only where nothing follows it.
  const anchored = written.endsWith('$');
  let text = anchored ? written.slice(0, -1) : written;
  // What may be followed by anything is a beginning.
  const open = /(\.\*)$/.test(text);
  if (open) text = text.replace(/(\.\*)+$/, '');
  const literals = text.split(GAP);
  const gaps = [...text.matchAll(new RegExp(GAP, 'g'))].map(([gap]): Gap => (gap === '.*' ? 'any' : 'segment'));
  if (!text.startsWith('/') || literals.some((literal) => /[()[\]{}|?*+^$\\]/.test(literal))) {
    throw new TypeError(`${written} is no path pattern`);
  }
  return { literals, gaps, anchored: anchored && !open };
}
