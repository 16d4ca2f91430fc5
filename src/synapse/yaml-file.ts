import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { describeSyntaxError } from '../base/yaml-syntax.ts';
import { isJsonObject, type JsonObject } from '../matrix/json.ts';

/** Names of keys and, in a list, positions from 0. */
export type YamlPath = readonly (string | number)[];

/** Where something stands in a file. */
export interface Place {
  /** As the operator named it. */
  readonly file: string;
  /** From 1; undefined where the file as a whole is meant. */
  readonly line: number | undefined;
}

/** What keeps a file, or a value in it, from being understood. `what` goes on after the place: "a tab stands in ...". */
export interface YamlProblem {
  readonly place: Place;
  readonly what: string;
  readonly fix: string;
  /** Synapse's name for the value that is wrong; undefined where the file as a whole is meant. */
  readonly key?: string;
}

/** One file of Synapse's configuration, as PyYAML's safe_load reads it. */
export interface YamlFile {
  readonly name: string;
  /** Empty when the file holds no mapping: Synapse then passes over it. */
  readonly values: JsonObject;
  /** False when Synapse passes over the file. */
  readonly isMapping: boolean;
  /** The line of a key, or of the nearest thing around it that is there. */
  lineOf(path: YamlPath): number;
}

export type YamlFileReading =
  | { readonly ok: true; readonly file: YamlFile }
  | { readonly ok: false; readonly problem: YamlProblem };

// Aliases can make a short text into a tree that fills the memory ("billion laughs"). Counted as the yaml package
// does: how often aliases are followed, times how many there are in what they stand for.
const MOST_ALIASES = 1_000;

/**
 * Reads one file with the rules of YAML 1.1, where `yes` is true and `<<` merges, since those are PyYAML's; of a key
 * that is given twice, the last one counts there. No problem ever repeats what the file says: passwords are in it.
 * Never throws.
 */
export function readYamlFile(text: string, name: string): YamlFileReading {
  const lines = new LineCounter();
  const fail = (offset: number, what: string, fix: string): YamlFileReading => {
    const line = Math.max(lines.linePos(Math.min(offset, text.length)).line, 1);
    return { ok: false, problem: { place: { file: name, line }, what, fix } };
  };
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    logLevel: 'error',
    version: '1.1',
    merge: true,
    uniqueKeys: false,
  });
  // An unknown tag is only a warning of the package's; PyYAML refuses the file.
  const [first] = [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0]);
  if (first !== undefined) {
    const { offset, what, fix } = describeSyntaxError(first, document, text);
    return fail(offset, /^this is no YAML/.test(what) ? 'this is no YAML' : what, fix);
  }
  let values: unknown;
  try {
    values = document.toJS({ maxAliasCount: MOST_ALIASES });
  } catch {
    return fail(0, 'aliases (*name) lead nowhere, or repeat far too much', 'Write out what the aliases stand for');
  }
  const isMapping = isJsonObject(values);
  const file: YamlFile = {
    name,
    values: isJsonObject(values) ? values : {},
    isMapping,
    lineOf: (path) => lines.linePos(offsetOf(document.contents, path)).line,
  };
  return { ok: true, file };
}

/** As far down the path as there are nodes. Merged keys are found where they are merged. */
function offsetOf(root: Node | null, path: YamlPath): number {
  let node = root;
  let offset = 0;
  for (const step of path) {
    if (isSeq(node) && typeof step === 'number') {
      node = (node.items[step] as Node | null | undefined) ?? null;
      offset = node?.range?.[0] ?? offset;
    } else if (isMap(node)) {
      const pair = node.items.findLast(({ key }) => isScalar(key) && String(key.value) === String(step));
      if (pair === undefined) return offset;
      offset = (pair.key as Node).range?.[0] ?? offset;
      node = pair.value as Node | null;
    } else {
      return offset;
    }
    // What an alias stands for is elsewhere; the line that a person has to look at is this one.
    if (isAlias(node)) return offset;
  }
  return offset;
}
