import type { KeyPath } from './key-path.ts';
import { type FileText, type ReadFile, readSecretFile } from './secret-file.ts';
import { configTable } from './table.ts';
import type { Entry, Keys } from './table-shape.ts';

/** A variable and the key that it stands for, for a single server. */
export interface Variable {
  readonly name: string;
  readonly path: KeyPath;
  /** A comma separates several values. */
  readonly list: boolean;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Every variable in the table. */
export function listVariables(): readonly Variable[] {
  return collect(configTable.keys, []);
}

function collect(keys: Keys, path: KeyPath): readonly Variable[] {
  return Object.entries(keys).flatMap(([name, entry]: [string, Entry]) => {
    const inner = [...path, name];
    if (entry.kind === 'section') return collect(entry.keys, inner);
    // Which keys there are depends on a value; such a part is left to files.
    if (entry.kind === 'variants') return [];
    if (entry.kind === 'list') return collect(entry.of.keys, [...inner, 0]);
    return entry.variable === undefined ? [] : [{ name: entry.variable, path: inner, list: entry.several === true }];
  });
}

/** What the environment says: values by variable, and problems with the files that `NAME_FILE` variables name. */
export interface VariableReading {
  /** The value, and the variable it came from: NAME or NAME_FILE. */
  readonly values: ReadonlyMap<string, { readonly text: string; readonly from: string }>;
  readonly problems: readonly { readonly key: string; readonly what: string; readonly fix: string }[];
}

/** Reads the given variables. An empty one counts as unset. `resolve` makes a file's path absolute. */
export function readVariables(
  variables: readonly Variable[],
  env: Environment,
  resolve: (path: string) => string,
  readFile: ReadFile,
): VariableReading {
  const values = new Map<string, { text: string; from: string }>();
  const problems: { key: string; what: string; fix: string }[] = [];
  for (const { name } of variables) {
    const text = env[name]?.trim() ?? '';
    const from = `${name}_FILE`;
    const file = env[from]?.trim() ?? '';
    if (file !== '' && text !== '') {
      problems.push({ key: from, what: `${name} and ${from} are both set`, fix: 'Unset one of them' });
    } else if (file !== '') {
      const content = readValueFile(resolve(file), readFile);
      if (content.ok) values.set(name, { text: content.text, from });
      else problems.push({ key: from, what: `the file ${file} ${content.why}`, fix: content.fix });
    } else if (text !== '') {
      values.set(name, { text, from: name });
    }
  }
  return { values, problems };
}

/** The text of a small file that holds one value, without white space around it. */
function readValueFile(path: string, readFile: ReadFile): FileText {
  const content = readSecretFile(path, readFile);
  return content.ok ? { ok: true, text: content.text.trim() } : content;
}
