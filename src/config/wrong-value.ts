import type * as z from 'zod';
import { type KeyPath, quote } from './key-path.ts';
import { suggest } from './suggest.ts';
import type { Key } from './table-shape.ts';

/** What is wrong with a value; `path` is relative to the value. `fix` is undefined when the key's example says it best. */
export interface WrongValue {
  readonly path: KeyPath;
  readonly at: 'key' | 'value';
  readonly what: string;
  readonly fix: string | undefined;
}

type Issue = z.core.$ZodIssue;

/** Turns zod's findings on a key's value into sentences. */
export function describeIssues(issues: readonly Issue[], key: Key, value: unknown): readonly WrongValue[] {
  return issues.flatMap(deepest).map((issue) => {
    const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
    const at = issue.code === 'invalid_key' ? 'key' : 'value';
    return { path, at, ...describeIssue(issue, key, valueAt(value, path)) };
  });
}

/**
 * A union fails with the complaints of each of its forms. Those that got into the value (a list with one bad element)
 * say more than those that refused it at once.
 */
function deepest(issue: Issue): readonly Issue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const within = issue.errors.find((form) => form.length > 0 && form.every((inner) => inner.path.length > 0));
  if (within === undefined) return [issue];
  return within.flatMap((inner) => deepest({ ...inner, path: [...issue.path, ...inner.path] }));
}

function describeIssue(issue: Issue, key: Key, value: unknown): Pick<WrongValue, 'what' | 'fix'> {
  if (issue.code === 'custom') return splitAdvice(issue.message);
  if (issue.code === 'invalid_value' && typeof value === 'string') {
    const words = issue.values.map(String);
    const meant = suggest(value, words);
    const what = `${quote(value)} is not one of ${words.join(', ')}`;
    return { what, fix: meant === undefined ? 'Write one of them' : `Did you mean ${meant}?` };
  }
  if (issue.code === 'invalid_key') {
    const fix = 'Write letters, digits, dots, dashes and underscores only, and no dot at the beginning';
    return { what: `${quote(String(issue.path.at(-1)))} cannot be the name of a document`, fix };
  }
  if (issue.code === 'too_small') return { what: 'the list is empty', fix: undefined };
  const what = `${describeKind(value, key.secret === true)} stands where ${expected(issue)} is needed`;
  return { what, fix: adviseOnType(issue, key, value) };
}

/** What to do about a value of the wrong type; undefined when the key's example says it best. */
function adviseOnType(issue: Issue, key: Key, value: unknown): string | undefined {
  if (issue.path.length > 0 && issue.code !== 'invalid_type') return 'Remove it, or write one value in its place';
  if (issue.path.length > 0) return undefined;
  const accepts = (text: string) => key.type.safeParse(text).success;
  if (value === false && accepts('off')) return 'Write off';
  if (typeof value === 'number' && accepts(String(value))) {
    return key.secret === true ? 'Put it in quotes' : `Put it in quotes: "${value}"`;
  }
  return undefined;
}

function expected(issue: Issue): string {
  if (issue.code === 'invalid_type') {
    if (issue.expected === 'record' || issue.expected === 'object') return 'a mapping';
    if (issue.expected === 'array') return 'a list';
    if (issue.expected === 'boolean') return 'true or false';
    return 'text';
  }
  if (issue.code === 'invalid_union') {
    const forms = issue.errors.flat();
    const list = forms.some((form) => form.code === 'invalid_type' && form.expected === 'array');
    return list ? 'one value or a list of them' : 'one value';
  }
  return 'one word';
}

/** `a list`, `the number 12`, `true`, for a sentence. */
export function describeKind(value: unknown, secret = false): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value === 'string') return value === '' ? 'empty text' : secret ? 'text' : `the text ${quote(value)}`;
  if (secret) return typeof value === 'number' ? 'a number' : 'true or false';
  return typeof value === 'number' ? `the number ${value}` : String(value);
}

/** Parsers end their sentence with what to write; that part becomes the fix. */
function splitAdvice(sentence: string): Pick<WrongValue, 'what' | 'fix'> {
  const match = /^(.*\S)[;:] (write .*|leave out .*)$/s.exec(sentence);
  if (match === null) return { what: sentence, fix: undefined };
  return { what: match[1]!, fix: match[2]!.charAt(0).toUpperCase() + match[2]!.slice(1) };
}

function valueAt(value: unknown, path: KeyPath): unknown {
  let node = value;
  for (const step of path) {
    if (typeof node !== 'object' || node === null) return undefined;
    node = (node as Record<string | number, unknown>)[step];
  }
  return node;
}
