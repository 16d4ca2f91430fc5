import type { Derived } from '../synapse/derive-server.ts';
import { type ConfigSource, holdsValue } from './config-source.ts';
import { type ConfigDerivation, formatSourcePlace } from './derivation.ts';
import { pathId } from './key-path.ts';
import { isMapping } from './reading.ts';

/** The source as if what follows from Synapse's configuration stood in it; problems with that are placed where it is from. */
export function overlayDerivation(source: ConfigSource, { derived, left }: ConfigDerivation): ConfigSource {
  if (derived.length === 0 && left.length === 0) return source;
  const value = structuredClone(source.value);
  for (const one of derived) write(value, one);
  const byPath = new Map(derived.map((one) => [pathId(one.path), one]));
  const why = new Map(left.map((one) => [pathId(one.path), one]));
  return {
    ...source,
    value,
    place: (path, at) => {
      const whole = byPath.get(pathId(path));
      const list = typeof path.at(-1) === 'number' ? byPath.get(pathId(path.slice(0, -1))) : undefined;
      const place = whole?.places[0] ?? list?.places[Number(path.at(-1))];
      return place === undefined ? source.place(path, at) : { ...place, column: undefined };
    },
    has: (path) => holdsValue(value, path),
    whyMissing: (path) => {
      const one = why.get(pathId(path));
      return one === undefined ? undefined : `does not follow from ${formatSourcePlace(one.place)} (${one.why})`;
    },
  };
}

/** Makes the mappings on the way where nothing, or nothing but comments, was written. */
function write(root: unknown, { path, value }: Pick<Derived, 'path' | 'value'>): void {
  let node = root as Record<string | number, unknown>;
  for (const step of path.slice(0, -1)) {
    node[step] ??= {};
    const inner = node[step];
    // What is no mapping is reported as that.
    if (!isMapping(inner) && !Array.isArray(inner)) return;
    node = inner as Record<string | number, unknown>;
  }
  node[path.at(-1)!] = value;
}
