import type { KeyPath } from './key-path.ts';
import { readKey, readSecretFiles } from './read-key.ts';
import { chooseForm } from './read-variants.ts';
import { isMapping, type Reading } from './reading.ts';
import {
  type Draft,
  type Entry,
  fileKey,
  type Keys,
  type Section,
  type SectionList,
  type Variants,
} from './table-shape.ts';
import { reportUnknown } from './unknown-key.ts';
import { describeKind } from './wrong-value.ts';
import { writeInline } from './yaml-source.ts';

/** Reads a mapping by its table. Whatever is wrong is reported; what is right is in the draft all the same. */
export function readSection<K extends Keys>(
  reading: Reading,
  table: Section<K>,
  value: unknown,
  path: KeyPath,
): Draft<K> | undefined {
  if (value !== undefined && value !== null && !isMapping(value)) {
    // It may well be the secret itself, written where its mapping should be.
    const secret = Object.values(table.keys).some((entry) => entry.kind === 'key' && entry.secret === true);
    const what = `${describeKind(value, secret && path.length > 0)} stands where a mapping is needed`;
    reading.report({ path, at: 'value', what, fix: adviseOnSection(table, path) });
    return undefined;
  }
  const written = isMapping(value) ? value : {};
  const names = Object.keys(table.keys);
  // A key that is there under a misspelt name is not missing as well.
  const misspelt = Object.keys(written)
    .filter((name) => !names.includes(name))
    .map((name) => reportUnknown(reading, names, path, name, table.alsoCalled));
  const draft: Record<string, unknown> = {};
  for (const [name, entry] of Object.entries(table.keys)) {
    const inner = Object.hasOwn(written, name) ? written[name] : undefined;
    if (inner === undefined && misspelt.includes(name)) continue;
    const file = entry.kind === 'key' && entry.file === true ? fileKey(name) : undefined;
    const inFile = file !== undefined && (Object.hasOwn(written, file) || misspelt.includes(file));
    if (inner === undefined && inFile) continue;
    draft[name] = readEntry(reading, entry, inner, [...path, name]);
  }
  readSecretFiles(reading, table, draft, path);
  return draft as Draft<K>;
}

function readEntry(reading: Reading, entry: Entry, value: unknown, path: KeyPath): unknown {
  if (entry.kind === 'key') return readKey(reading, entry, value, path);
  if (entry.kind === 'list') return readList(reading, entry, value, path);
  if (entry.kind === 'variants') return readVariants(reading, entry, value, path);
  // `acme:` with nothing but comments below it is the same as no acme at all.
  if (entry.optional && (value === undefined || value === null)) return undefined;
  return readSection(reading, entry, value, path);
}

function readVariants(reading: Reading, variants: Variants, value: unknown, path: KeyPath): unknown {
  if (value === undefined || value === null) return undefined;
  const form = chooseForm(reading, variants, value, path);
  return form === undefined ? undefined : readSection(reading, form.table, form.value, path);
}

function readList(reading: Reading, list: SectionList, value: unknown, path: KeyPath): unknown {
  const fix = `Write ${String(path.at(-1))}: and below it, for each, its keys with "- " before the first`;
  if (value === undefined || value === null) {
    reading.report({ path, at: 'key', what: 'is missing', fix });
    return undefined;
  }
  if (!Array.isArray(value)) {
    const what = `${describeKind(value)} stands where a list is needed`;
    const dash = isMapping(value) ? 'Put "- " before its first key, and indent the others to match' : fix;
    reading.report({ path, at: 'value', what, fix: dash });
    return undefined;
  }
  if (value.length === 0) reading.report({ path, at: 'value', what: 'the list is empty', fix });
  return value.map((item, index) => {
    const inner = [...path, index];
    if (item !== null) return readSection(reading, list.of, item, inner);
    reading.report({ path: inner, at: 'value', what: 'this item of the list is empty', fix: 'Remove its dash' });
    return undefined;
  });
}

function adviseOnSection(table: Section, path: KeyPath): string {
  const first = Object.entries(table.keys)[0];
  if (path.length === 0 || first === undefined) {
    return 'Begin with servers:, or with a copy of config/sidecar.sample.yaml';
  }
  const example = first[1].kind === 'key' ? writeInline(first[1].example) : '…';
  const name = path.findLast((step) => typeof step === 'string') ?? '';
  return `Write its keys below it, as in ${name}: { ${first[0]}: ${example} }`;
}
