import { type KeyPath, quote } from './key-path.ts';
import type { Reading } from './reading.ts';
import { suggest } from './suggest.ts';
import type { Section } from './table-shape.ts';

/** Reports a key that is not in the table. Returns the key that was meant, if one is near. */
export function reportUnknown(
  reading: Reading,
  names: readonly string[],
  path: KeyPath,
  name: string,
  alsoCalled: Readonly<Record<string, string>> = {},
): string | undefined {
  const inner = [...path, name];
  const what = `there is no key ${quote(name)} here`;
  const known = suggest(name, [...names, ...Object.keys(alsoCalled)]);
  const meant = known === undefined || names.includes(known) ? known : alsoCalled[known];
  const elsewhere = findHome(reading.whole, name);
  let fix = `The keys here are ${names.join(', ')}`;
  if (name === '<<') fix = 'Write the keys out: YAML 1.2 has no merge key';
  else if (meant !== undefined && elsewhere !== undefined) fix = `${elsewhere}. Or did you mean ${meant}?`;
  else if (meant !== undefined) fix = `Did you mean ${meant}?`;
  else if (elsewhere !== undefined) fix = elsewhere;
  reading.report({ path: inner, at: 'key', what, fix });
  return meant;
}

/** Where a key of this name belongs, as advice; undefined when there is none. */
function findHome(table: Section, name: string, at = ''): string | undefined {
  if (Object.hasOwn(table.keys, name)) {
    return at === '' ? 'It belongs at the top level: write it without indentation' : `It belongs under ${at}`;
  }
  for (const [key, entry] of Object.entries(table.keys)) {
    const within = at === '' ? key : `${at}.${key}`;
    const inner: readonly (readonly [Section, string])[] =
      entry.kind === 'key'
        ? []
        : entry.kind === 'list'
          ? [[entry.of, `${within}[]`]]
          : entry.kind === 'variants'
            ? Object.values(entry.forms).map((form) => [form, within] as const)
            : [[entry, within]];
    for (const [section, place] of inner) {
      const found = findHome(section, name, place);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}
