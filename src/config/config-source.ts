import type { ConfigProblem } from './config.ts';
import type { KeyPath } from './key-path.ts';

/** The place in a file, or the variable, that a problem is about. */
export type Place = Pick<ConfigProblem, 'file' | 'line' | 'column' | 'key'>;

/**
 * What was written, before anything is known about its meaning: a tree of plain values, and where each of them
 * stands. Two make it: a YAML file and the environment.
 */
export interface ConfigSource {
  readonly value: unknown;
  /** The place of a value, or of its key; the nearest enclosing place when nothing was written there. */
  place(path: KeyPath, at: 'key' | 'value'): Place;
  /** How the key is called there: `delegate_to` or `DELEGATE_TO`. */
  name(path: KeyPath): string;
  /** The same for the key that names a file which holds the value: `password_file` or `STORE_FILE`. */
  nameFile(path: KeyPath): string;
  /** The line to write to give the key this value: `apex: here` or `APEX=here`. */
  spell(path: KeyPath, value: unknown): string;
  /** Whether anything, right or wrong, was written there. */
  has(path: KeyPath): boolean;
  /** Why a key that may follow from elsewhere does not, as what goes on after "is missing, and "; undefined where none could. */
  whyMissing?(path: KeyPath): string | undefined;
}

/** A problem as the readers and rules report it; the source turns the path into a place. */
export interface Finding {
  readonly path: KeyPath;
  readonly at: 'key' | 'value';
  readonly what: string;
  readonly fix: string;
}

/** Collects what is wrong; nothing stops at the first problem. */
export type Report = (finding: Finding) => void;

/** Whether a tree of plain objects and lists holds anything but null at the path. */
export function holdsValue(tree: unknown, path: KeyPath): boolean {
  let node: unknown = tree;
  for (const step of path) {
    if (typeof node !== 'object' || node === null || !Object.hasOwn(node, step)) return false;
    node = (node as Record<string | number, unknown>)[step];
  }
  return node !== undefined && node !== null;
}

/** Gives a finding its place. */
export function placeFinding(source: ConfigSource, finding: Finding): ConfigProblem {
  const place = source.place(finding.path, finding.at);
  return { ...place, what: finding.what, fix: finding.fix };
}
