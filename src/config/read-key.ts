import type { KeyPath } from './key-path.ts';
import type { Reading } from './reading.ts';
import { fileKey, type Key, type Section } from './table-shape.ts';
import { describeIssues } from './wrong-value.ts';

/** Reads the value of a key by its type. `undefined` is a key that was not written, and gets its default. */
export function readKey(reading: Reading, key: Key, value: unknown, path: KeyPath): unknown {
  const { source, report } = reading;
  const example = `as in ${source.spell(path, key.example)}`;
  if (value === undefined) {
    if (key.presence === 'required') {
      const orFile = key.file === true ? `, or ${source.nameFile(path)} with the path of a file that holds it` : '';
      const why = source.whyMissing?.(path);
      const what = why === undefined ? 'is missing' : `is missing, and ${why}`;
      report({ path, at: 'key', what, fix: `Add it, ${example}${orFile}` });
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

/** Gives every secret of a mapping, whose other keys are in the draft, that a file holds its value. */
export function readSecretFiles(reading: Reading, table: Section, draft: Record<string, unknown>, path: KeyPath): void {
  for (const [name, entry] of Object.entries(table.keys)) {
    if (entry.kind !== 'key' || entry.file !== true) continue;
    const at = { path: [...path, fileKey(name)], at: 'key' } as const;
    if (reading.source.has([...path, name]) && reading.source.has(at.path)) {
      reading.report({ ...at, what: `stands beside ${name}`, fix: 'Keep one of the two' });
    }
    const file = draft[fileKey(name)];
    if (typeof file === 'string') draft[name] = readSecretFile(reading, entry, file, at.path);
  }
}

function readSecretFile({ readSecret, report }: Reading, key: Key, file: string, path: KeyPath): unknown {
  const content = readSecret(file);
  if (!content.ok) {
    report({ path, at: 'value', what: `the file ${file} ${content.why}`, fix: content.fix });
    return undefined;
  }
  const outcome = key.type.safeParse(content.text);
  if (outcome.success) return outcome.data;
  for (const { what } of describeIssues(outcome.error.issues, key, content.text)) {
    const fix = 'Write the value, and nothing else, into the file';
    report({ path, at: 'value', what: `what the file ${file} holds ${what}`, fix });
  }
  return undefined;
}
