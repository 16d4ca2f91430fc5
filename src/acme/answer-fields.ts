import type { CaAnswer } from './ca-answer.ts';
import type { ProblemDocument } from './problem.ts';
import { malformedAnswer, parseJson, parseProblem } from './read-problem.ts';

const MAX_URL = 2_048;

/**
 * The members of a JSON object that a CA sent, each with its type checked and its size bounded: a CA is a stranger.
 * Everything throws an AcmeProblem of type `malformed-answer` that names the member.
 */
export interface AnswerFields {
  /** An error about a member, for what the methods here do not check. */
  wrong(key: string, what: string): Error;
  /** At most `max` characters, printable. */
  text(key: string, max?: number): string;
  optionalText(key: string, max?: number): string | undefined;
  /** Absolute, https, at most 2048 characters. */
  url(key: string): string;
  optionalUrl(key: string): string | undefined;
  oneOf<T extends string>(key: string, allowed: readonly T[]): T;
  /** Milliseconds since the epoch, of an RFC 3339 date. */
  time(key: string): number;
  optionalTime(key: string): number | undefined;
  /** True only where it is `true`; absent is false. */
  flag(key: string): boolean;
  /** At most `max` entries. */
  list(key: string, max: number): readonly unknown[];
  object(key: string): AnswerFields;
  problem(key: string): ProblemDocument | undefined;
  has(key: string): boolean;
  /** Names of the members. */
  keys(): readonly string[];
}

/** Reads an answer's body as one JSON object. */
export function readAnswerFields(answer: CaAnswer): AnswerFields {
  return readFields(parseJson(answer.body), answer, '');
}

/** Reads a value inside an answer as an object; `path` says where it stands. */
export function readFields(value: unknown, answer: CaAnswer, path: string): AnswerFields {
  const wrong = (key: string, what: string): Error =>
    malformedAnswer(answer.url, answer.status, `${path}${key} ${what}`.trim());
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrong('', path === '' ? 'it is no JSON object' : 'is no object');
  }
  const members = new Map(Object.entries(value));
  const has = (key: string): boolean => members.get(key) !== undefined && members.get(key) !== null;

  function text(key: string, max = 256): string {
    const member = members.get(key);
    if (typeof member !== 'string') throw wrong(key, 'is no text');
    if (member.length === 0 || member.length > max) throw wrong(key, `is empty or has more than ${max} characters`);
    if (/[\p{Cc}\u2028\u2029]/u.test(member)) throw wrong(key, 'has control characters');
    return member;
  }
  function url(key: string): string {
    const member = text(key, MAX_URL);
    const problem = whyNoUrl(member);
    if (problem !== undefined) throw wrong(key, problem);
    return member;
  }
  function time(key: string): number {
    const member = text(key, 64);
    const at = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(member)
      ? Date.parse(member.toUpperCase().replace(' ', 'T'))
      : Number.NaN;
    if (Number.isNaN(at)) throw wrong(key, 'is no date (RFC 3339)');
    return at;
  }

  return {
    wrong,
    has,
    text,
    url,
    time,
    keys: () => [...members.keys()],
    optionalText: (key, max) => (has(key) && members.get(key) !== '' ? text(key, max) : undefined),
    optionalUrl: (key) => (has(key) && members.get(key) !== '' ? url(key) : undefined),
    optionalTime: (key) => (has(key) && members.get(key) !== '' ? time(key) : undefined),
    flag: (key) => members.get(key) === true,
    oneOf(key, allowed) {
      const member = members.get(key);
      const found = allowed.find((one) => one === member);
      if (found === undefined) throw wrong(key, `is none of ${allowed.join(', ')}`);
      return found;
    },
    list(key, max) {
      const member = members.get(key);
      if (!Array.isArray(member)) throw wrong(key, 'is no list');
      if (member.length > max) throw wrong(key, `has more than ${max} entries`);
      return member;
    },
    object: (key) => readFields(members.get(key), answer, `${path}${key}.`),
    problem: (key) => (has(key) ? parseProblem(members.get(key), answer.status) : undefined),
  };
}

/** Why a text is no URL that may be asked, as half a sentence; undefined when it is one. */
export function whyNoUrl(text: string): string | undefined {
  if (text.length > MAX_URL) return `has more than ${MAX_URL} characters`;
  if (!URL.canParse(text)) return 'is no URL';
  const { protocol, username, password } = new URL(text);
  if (protocol !== 'https:') return 'is no https URL';
  return username === '' && password === '' ? undefined : 'is a URL with a password';
}
