import { type ConfigSource, holdsValue } from './config-source.ts';
import { formatKeyPath, type KeyPath } from './key-path.ts';
import type { Variable, VariableReading } from './variables.ts';

/** Makes a configuration with one server of the variables' values. */
export function createEnvironmentSource(variables: readonly Variable[], reading: VariableReading): ConfigSource {
  const value: Record<string, unknown> = { servers: [{}] };
  for (const variable of variables) {
    const given = reading.values.get(variable.name);
    if (given === undefined) continue;
    putAt(value, variable.path, variable.list && given.text.includes(',') ? splitList(given.text) : given.text);
  }
  const find = (path: KeyPath): Variable | undefined =>
    variables.find((variable) => variable.path.every((step, index) => path[index] === step));
  const name = (path: KeyPath): string => find(path)?.name ?? formatKeyPath(path);
  return {
    value,
    place: (path) => {
      const variable = find(path);
      const key = variable === undefined ? name(path) : (reading.values.get(variable.name)?.from ?? variable.name);
      return { file: 'environment', line: undefined, column: undefined, key };
    },
    name,
    nameFile: (path) => `${name(path)}_FILE`,
    spell: (path, written) => `${name(path)}=${Array.isArray(written) ? written.join(',') : String(written)}`,
    has: (path) => holdsValue(value, path),
  };
}

function splitList(text: string): readonly string[] {
  return text.split(',').map((item) => item.trim());
}

/** Mappings on the way to the place are made; lists are there already. */
function putAt(tree: Record<string | number, unknown>, [step = '', ...rest]: KeyPath, value: unknown): void {
  if (rest.length === 0) tree[step] = value;
  else {
    tree[step] ??= {};
    putAt(tree[step] as Record<string | number, unknown>, rest, value);
  }
}
