import { fileKey, type Section } from './table-shape.ts';
import { writeInline } from './yaml-source.ts';

/** An optional section on one line, with the keys that make it whole. */
export function writeExample(section: Section): string {
  const pairs = listShown(section).map((name) => {
    const entry = section.keys[name];
    return `${name}: ${entry?.kind === 'section' ? writeExample(entry) : entry?.kind === 'key' ? writeInline(entry.example) : '…'}`;
  });
  return `{ ${pairs.join(', ')} }`;
}

/** A secret is shown in the better of its two ways. */
function listShown(section: Section): readonly string[] {
  const shown = section.shown ?? section.combinations?.[0];
  if (shown !== undefined) return shown;
  return Object.entries(section.keys).flatMap(([name, entry]) => {
    if (entry.kind !== 'key' || entry.presence !== 'required') return [];
    return entry.file === true ? [fileKey(name)] : [name];
  });
}
