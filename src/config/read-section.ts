import type { ConfigSource, Report } from './config-source.ts';
import type { KeyPath } from './key-path.ts';
import { quote } from './key-path.ts';
import { suggest } from './suggest.ts';
import type { Draft, Entry, Key, Keys, Section, SectionList } from './table-shape.ts';
import { describeIssues, describeKind } from './wrong-value.ts';
import { writeInline } from './yaml-source.ts';

/** What reading needs at every level. */
export interface Reading {
  readonly source: ConfigSource;
  readonly report: Report;
  /** The whole table, to say where a misplaced key belongs. */
  readonly whole: Section;
}

/** Reads a mapping by its table. Whatever is wrong is reported; what is right is in the draft all the same. */
export function readSection<K extends Keys>(
  reading: Reading,
  table: Section<K>,
  value: unknown,
  path: KeyPath,
): Draft<K> | undefined {
  if (value !== undefined && value !== null && !isMapping(value)) {
    const what = `${describeKind(value)} stands where a mapping is needed`;
    reading.report({ path, at: 'value', what, fix: adviseOnSection(table, path) });
    return undefined;
  }
  const written = isMapping(value) ? value : {};
  const names = Object.keys(table.keys);
  // A key that is there under a misspelt name is not missing as well.
  const misspelt = Object.keys(written)
    .filter((name) => !names.includes(name))
    .map((name) => reportUnknown(reading, names, path, name));
  const draft: Record<string, unknown> = {};
  for (const [name, entry] of Object.entries(table.keys)) {
    const inner = Object.hasOwn(written, name) ? written[name] : undefined;
    if (inner === undefined && misspelt.includes(name)) continue;
    draft[name] = readEntry(reading, entry, inner, [...path, name]);
  }
  return draft as Draft<K>;
}

function readEntry(reading: Reading, entry: Entry, value: unknown, path: KeyPath): unknown {
  if (entry.kind === 'key') return readKey(reading, entry, value, path);
  if (entry.kind === 'list') return readList(reading, entry, value, path);
  // `acme:` with nothing but comments below it is the same as no acme at all.
  if (entry.optional && (value === undefined || value === null)) return undefined;
  return readSection(reading, entry, value, path);
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

function readKey(reading: Reading, key: Key, value: unknown, path: KeyPath): unknown {
  const { source, report } = reading;
  const example = `as in ${source.spell(path, key.example)}`;
  if (value === undefined) {
    if (key.presence === 'required') {
      report({ path, at: 'key', what: 'is missing', fix: `Add it, ${example}` });
      return undefined;
    }
    if (key.presence === 'optional') return undefined;
  }
  if (value === null) {
    const orRemove = key.presence === 'required' ? '' : ', or remove the line';
    report({ path, at: 'value', what: 'has no value', fix: `Write a value, ${example}${orRemove}` });
    return undefined;
  }
  const outcome = key.type.safeParse(value ?? key.default);
  if (outcome.success) return outcome.data;
  for (const wrong of describeIssues(outcome.error.issues, key, value)) {
    const fix = wrong.fix ?? `Write it ${example}`;
    report({ path: [...path, ...wrong.path], at: wrong.at, what: wrong.what, fix });
  }
  return undefined;
}

/** Returns the key that was meant, if one is near. */
function reportUnknown(reading: Reading, names: readonly string[], path: KeyPath, name: string): string | undefined {
  const inner = [...path, name];
  const what = `there is no key ${quote(name)} here`;
  const meant = suggest(name, names);
  const elsewhere = findHome(reading.whole, name);
  let fix = `The keys here are ${names.join(', ')}`;
  if (name === '<<') fix = 'Write the keys out: YAML 1.2 has no merge key';
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
    if (entry.kind === 'key') continue;
    const within = at === '' ? key : `${at}.${key}`;
    const found = entry.kind === 'list' ? findHome(entry.of, name, `${within}[]`) : findHome(entry, name, within);
    if (found !== undefined) return found;
  }
  return undefined;
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

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
