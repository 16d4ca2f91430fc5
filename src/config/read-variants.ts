import * as z from 'zod';
import type { KeyPath } from './key-path.ts';
import { readKey } from './read-key.ts';
import { isMapping, type Reading } from './reading.ts';
import { requiredKey, type Section, type Variants } from './table-shape.ts';
import { reportUnknown } from './unknown-key.ts';
import { writeExample } from './write-example.ts';
import { describeKind } from './wrong-value.ts';

/** The form that was chosen, and the mapping without the keys of other forms, which are reported. */
export interface ChosenForm {
  readonly table: Section;
  readonly value: Record<string, unknown>;
}

/** Finds out which form a mapping has. What keeps that from being known is reported. */
export function chooseForm(reading: Reading, table: Variants, value: unknown, path: KeyPath): ChosenForm | undefined {
  const { by, forms } = table;
  const names = Object.keys(forms) as [string, ...string[]];
  if (!isMapping(value)) {
    const named = names.find((name) => name === value);
    const fix = `Write its keys below it, as in ${String(path.at(-1))}: ${writeExample(forms[named ?? names[0]]!)}`;
    // Anything but the name of a form may be a secret.
    const what = `${describeKind(value, named === undefined)} stands where a mapping is needed`;
    reading.report({ path, at: 'value', what, fix });
    return undefined;
  }
  const owners = (key: string) => names.filter((name) => Object.hasOwn(forms[name]!.keys, key));
  const strangers = Object.keys(value).filter((key) => owners(key).length === 0);
  // The form that most of the keys belong to is the one to suggest.
  const likely = names.toSorted((a, b) => countKeys(forms[b]!, value) - countKeys(forms[a]!, value))[0];
  const written = Object.hasOwn(value, by) ? value[by] : undefined;
  if (written === undefined) {
    const known = [...new Set(names.flatMap((name) => Object.keys(forms[name]!.keys)))];
    const meant = strangers.map((name) => reportUnknown(reading, known, path, name));
    if (meant.includes(by)) return undefined;
  }
  const chosen = readKey(reading, requiredKey(z.enum(names), { says: '', example: likely }), written, [...path, by]);
  if (typeof chosen !== 'string') return undefined;
  const foreign = Object.keys(value).filter((key) => owners(key).length > 0 && !owners(key).includes(chosen));
  for (const key of foreign) {
    const whose = owners(key);
    const what = `belongs to ${by}: ${whose.join(' or ')}, and here it is ${by}: ${chosen}`;
    reading.report({ path: [...path, key], at: 'key', what, fix: `Remove this line, or write ${by}: ${whose[0]}` });
  }
  const own = Object.entries(value).filter(([key]) => !foreign.includes(key));
  return { table: forms[chosen]!, value: Object.fromEntries(own) };
}

function countKeys(form: Section, value: Record<string, unknown>): number {
  return Object.keys(value).filter((key) => Object.hasOwn(form.keys, key)).length;
}
