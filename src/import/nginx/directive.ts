import type { Place } from '../place.ts';

/** One directive of nginx's, its words without quotes and escapes. */
export interface Directive {
  readonly name: string;
  readonly args: readonly string[];
  readonly place: Place;
  /** Undefined where it ends with a semicolon. Lua blocks are empty: their text is not ours to read. */
  readonly block: readonly Directive[] | undefined;
}

/** The last directive of that name in one block: where nginx allows one only, there is one only. */
export function findDirective(block: readonly Directive[], name: string): Directive | undefined {
  return block.findLast((directive) => directive.name === name);
}

export function listDirectives(block: readonly Directive[], name: string): readonly Directive[] {
  return block.filter((directive) => directive.name === name);
}
