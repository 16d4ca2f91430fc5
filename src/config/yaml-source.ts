import { LineCounter, parseDocument, stringify } from 'yaml';
import { describeSyntaxError } from '../base/yaml-syntax.ts';
import type { ConfigProblem } from './config.ts';
import { type ConfigSource, holdsValue } from './config-source.ts';
import { formatKeyPath, type KeyPath, pathId } from './key-path.ts';
import { type Offsets, readYamlTree } from './yaml-tree.ts';

export interface YamlReading {
  /** Undefined when the text is no YAML at all; what else is in it cannot be told then. */
  readonly source: ConfigSource | undefined;
  readonly problems: readonly ConfigProblem[];
}

// After that many, the rest is most likely one and the same mistake.
const MOST_SYNTAX_ERRORS = 20;

/** Reads YAML 1.2 text. `file` is its name as it should appear in problems. Never throws. */
export function readYaml(text: string, file: string): YamlReading {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    // Without `error`, a second document would be dropped in silence; nothing is printed by parseDocument.
    logLevel: 'error',
    stringKeys: true,
    // Checked while reading the tree: the package compares each key with every other.
    uniqueKeys: false,
    // The same meaning of `off`, `no` and dates whatever a %YAML line says.
    schema: 'core',
    resolveKnownTags: false,
  });
  const placeOffset = (offset: number) => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const syntax = [...document.errors, ...document.warnings]
    .map((error) => {
      const { offset, what, fix } = describeSyntaxError(error, document, text);
      return { ...placeOffset(offset), key: '', what, fix };
    })
    .sort((a, b) => a.line - b.line || a.column - b.column);
  // One mistake makes a flood of errors in what follows it; the first of each line is enough.
  if (syntax.length > 0) {
    const firsts = syntax.filter((problem, index) => problem.line !== syntax[index - 1]?.line);
    return { source: undefined, problems: firsts.slice(0, MOST_SYNTAX_ERRORS) };
  }
  const tree = readYamlTree(document.contents);
  const problems = tree.problems.map(({ path, offset, earlier, what, fix }) => {
    const first = earlier === undefined ? '' : ` (first in line ${placeOffset(earlier).line})`;
    return { ...placeOffset(offset), key: formatKeyPath(path), what: what + first, fix };
  });
  if (!tree.complete) return { source: undefined, problems };
  return { source: createYamlSource(tree.value, tree.offsets, file, placeOffset), problems };
}

function createYamlSource(
  value: unknown,
  offsets: ReadonlyMap<string, Offsets>,
  file: string,
  placeOffset: (offset: number) => { line: number; column: number },
): ConfigSource {
  const nearest = (path: KeyPath, at: 'key' | 'value'): number => {
    const exact = offsets.get(pathId(path));
    if (exact !== undefined) return at === 'key' ? (exact.key ?? exact.value) : exact.value;
    // Missing keys are reported at the key that should contain them.
    for (let length = path.length - 1; length >= 0; length--) {
      const around = offsets.get(pathId(path.slice(0, length)));
      if (around !== undefined) return around.key ?? around.value;
    }
    return 0;
  };
  return {
    value,
    place: (path, at) => ({ file, ...placeOffset(nearest(path, at)), key: formatKeyPath(path) }),
    name: (path) => String(path.at(-1) ?? ''),
    nameFile: (path) => `${String(path.at(-1))}_file`,
    spell: (path, written) => `${String(path.at(-1))}: ${writeInline(written)}`,
    has: (path) => holdsValue(value, path),
  };
}

/** A value in YAML on one line, spaced as formatters do: `[a, b]`, `{ key: value }`. */
export function writeInline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(writeInline).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const pairs = Object.entries(value).map(([key, inner]) => `${writeInline(key)}: ${writeInline(inner)}`);
    return pairs.length === 0 ? '{}' : `{ ${pairs.join(', ')} }`;
  }
  // As the only item of a list, so that it is quoted where commas and brackets would end it.
  const list = stringify([value], { collectionStyle: 'flow', flowCollectionPadding: false, lineWidth: 0 });
  return list.trimEnd().slice(1, -1);
}
