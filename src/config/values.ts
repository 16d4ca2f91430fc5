import { isAbsolute } from 'node:path';
import * as z from 'zod';
import {
  type BindAddress,
  createUpstreamPool,
  parseBindAddress,
  parseUpstream,
  type Upstream,
  type UpstreamPool,
} from '../base/address.ts';
import { type CidrSet, createCidrSet, parseCidr } from '../base/cidr.ts';
import { bad, good, type Parsed } from '../base/parsed.ts';
import { parseDuration, parseSize } from '../base/quantity.ts';
import { parseServerName, type ServerName } from '../matrix/server-name.ts';
import type { JsonObject } from './config.ts';
import { HIDDEN } from './hidden.ts';
import { quote } from './key-path.ts';

/** Turns text into a value inside a zod schema; what the parser says against it becomes the problem's sentence. */
function reading<T>(read: (text: string) => Parsed<T>) {
  return (value: string | number, context: z.RefinementCtx): T => {
    const parsed = read(String(value));
    if (parsed.ok) return parsed.value;
    context.addIssue({ code: 'custom', message: parsed.why });
    return z.NEVER;
  };
}

/** One value or a list of them, each read by `read`; problems carry the position in the list. */
export function readingList<T>(read: (text: string) => Parsed<T>) {
  return (value: string | number | (string | number)[], context: z.RefinementCtx): readonly T[] => {
    const items = Array.isArray(value) ? value : [value];
    return items.flatMap((item, index) => {
      const parsed = read(String(item));
      if (parsed.ok) return [parsed.value];
      context.addIssue({ code: 'custom', message: parsed.why, path: Array.isArray(value) ? [index] : [] });
      return [];
    });
  };
}

/** Text with a form of its own. A number is refused: YAML would have changed it (1.10 becomes 1.1). */
export function text<T>(read: (text: string) => Parsed<T>): z.ZodType<T> {
  return z.string().transform(reading(read));
}

export const serverName: z.ZodType<ServerName> = text(readServerName);

/** Instances of one upstream: each is asked for its health, and looked at for each request. */
const MOST_INSTANCES = 16;

/** Where an upstream is: one place, or a list of places that serve the same. */
export const upstreamPool: z.ZodType<UpstreamPool> = z
  .union([z.string(), z.array(z.string()).min(1)])
  .transform(readingList(parseUpstream))
  .transform((list, context) => {
    const [first, ...others] = list as readonly [Upstream, ...Upstream[]];
    const refuse = (message: string, path: number[]): void => context.addIssue({ code: 'custom', message, path });
    if (list.length > MOST_INSTANCES) refuse(`has ${list.length} instances; write at most ${MOST_INSTANCES}`, []);
    list.forEach(({ text }, index) => {
      if (list.findIndex((one) => one.text === text) < index)
        refuse(`${quote(text)} is in the list twice; leave out one of them`, [index]);
    });
    return createUpstreamPool([first, ...others]);
  });

function readServerName(written: string): Parsed<ServerName> {
  const url = /^[a-z]+:\/\/([^/]*)/i.exec(written);
  if (url !== null) return bad(`${quote(written)} is a URL, not a name; write ${url[1] || 'example.com'}`);
  return parseServerName(written);
}

/** Any text but none. */
export const nonEmptyText: z.ZodType<string> = text((written) => (written === '' ? bad('is empty') : good(written)));

/** Text without white space in it; what stands around it is dropped. */
export const word: z.ZodType<string> = text((written) => {
  const trimmed = written.trim();
  if (trimmed === '') return bad('is empty');
  return /\s/.test(trimmed) ? bad('has white space in it') : good(trimmed);
});

/**
 * Bytes in base64 (RFC 4648, 4) or base64url (5), with or without the `=` at the end, kept as written. What stands for
 * a secret passes as well: a shown configuration loads.
 */
export const base64: z.ZodType<string> = text((written) => {
  const trimmed = written.trim();
  const digits = trimmed.replace(/={0,2}$/, '');
  const sound = /^[A-Za-z0-9+/_-]+$/.test(digits) && digits.length % 4 !== 1;
  return sound || trimmed === HIDDEN ? good(trimmed) : bad('is not base64');
});

/** true or false. */
export const yesOrNo: z.ZodType<boolean> = z.boolean();

/** A file or folder as written; it becomes absolute when the working directory is known. */
export const path: z.ZodType<string> = text(readPath);

export function readPath(written: string): Parsed<string> {
  if (written.trim() === '') return bad('is empty where a path is needed');
  if (written.includes('\0')) return bad('holds a zero byte, which no path can hold');
  if (/^~(\/|$)/.test(written)) return bad(`${quote(written)}: ~ is not expanded here; write the whole path`);
  return good(written);
}

/** Files and folders, one or several, as written. */
export const paths: z.ZodType<readonly string[]> = z
  .union([z.string(), z.array(z.string())])
  .transform(readingList(readPath));

/** A program or file whose place must not depend on the working directory. */
export const absolutePath: z.ZodType<string> = text((written) => {
  const read = readPath(written);
  if (!read.ok || isAbsolute(written)) return read;
  return bad(`${quote(written)} is no absolute path; write the whole path, from / on`);
});

/** Whoever has an @ with something on both sides; the certificate authority decides on the rest. */
export const emailAddress: z.ZodType<string> = text((written) =>
  /^[^\s@]+@[^\s@]+$/.test(written) ? good(written) : bad(`${quote(written)} is no e-mail address`),
);

/** Places to listen, one or several, or `off` for none. At least one otherwise. */
export const listenAddresses: z.ZodType<readonly BindAddress[]> = z
  .union([z.string(), z.number(), z.array(z.union([z.string(), z.number()])).min(1)])
  .transform((value, context) => (value === 'off' ? [] : readingList(readBindAddress)(value, context)));

function readBindAddress(written: string): Parsed<BindAddress> {
  const trimmed = written.trim();
  return trimmed === 'off' ? bad('"off" cannot stand beside addresses; write off alone') : parseBindAddress(trimmed);
}

/** Networks, one or several; an empty list is the same as none. */
export const networks: z.ZodType<CidrSet> = z
  .union([z.string(), z.array(z.string())])
  .transform(readingList(parseCidr))
  .transform((list) => createCidrSet(list));

/** Names of servers, or patterns for them as in server ACLs; one or several. */
export const serverPatterns: z.ZodType<readonly string[]> = z
  .union([z.string(), z.array(z.string())])
  .transform(readingList(readServerPattern));

function readServerPattern(written: string): Parsed<string> {
  if (!/^[A-Za-z0-9.*?[\]:-]{1,255}$/.test(written))
    return bad(`${JSON.stringify(written)} is no name of a server, nor a pattern for one`);
  return /^[*?]+$/.test(written) ? bad(`${written} would block every server`) : good(written);
}

/** A size in bytes within bounds; the bounds are written as an operator would. */
export function size(least: string, most: string): z.ZodType<number> {
  return z.union([z.string(), z.number()]).transform(reading(bounded(parseSize, least, most)));
}

/** A whole number within bounds. */
export function count(least: number, most: number): z.ZodType<number> {
  return z.union([z.string(), z.number()]).transform(
    reading((written) => {
      if (!/^[0-9]{1,15}$/.test(written)) return bad('is no whole number');
      const value = Number(written);
      if (value < least) return bad(`${written} is too little; write at least ${least}`);
      return value > most ? bad(`${written} is too much; write at most ${most}`) : good(value);
    }),
  );
}

/** 1 to 64, or `auto`. */
export const processCount: z.ZodType<number | 'auto'> = z.union([z.string(), z.number()]).transform(
  reading((written): Parsed<number | 'auto'> => {
    if (written === 'auto') return good('auto');
    if (!/^[0-9]{1,15}$/.test(written)) return bad('is no whole number; write one from 1 to 64, or auto');
    const value = Number(written);
    if (value < 1) return bad(`${written} is too little; write at least 1`);
    return value > 64 ? bad(`${written} is too much; write at most 64`) : good(value);
  }),
);

/** A duration in milliseconds within bounds. A number is taken as text, so that the missing unit is what is said. */
export function duration(least: string, most: string): z.ZodType<number> {
  return z.union([z.string(), z.number()]).transform(reading(bounded(parseDuration, least, most)));
}

function bounded(read: (text: string) => Parsed<number>, least: string, most: string) {
  const bound = (text: string): number => {
    const parsed = read(text);
    if (!parsed.ok) throw new TypeError(parsed.why);
    return parsed.value;
  };
  const [low, high] = [bound(least), bound(most)];
  return (text: string): Parsed<number> => {
    const parsed = read(text);
    if (!parsed.ok) return parsed;
    if (parsed.value < low) return bad(`${text} is too little; write at least ${least}`);
    if (parsed.value > high) return bad(`${text} is too much; write at most ${most}`);
    return parsed;
  };
}

/** One word of several. */
export function choice<const T extends readonly [string, ...string[]]>(...words: T): z.ZodType<T[number]> {
  return z.enum(words);
}

/** A list of words, at least one, each at most once. */
export function choices<const T extends readonly [string, ...string[]]>(...words: T): z.ZodType<readonly T[number][]> {
  return z.array(z.enum(words)).min(1).transform(withoutRepeats);
}

function withoutRepeats<T>(list: readonly T[]): readonly T[] {
  return [...new Set(list)];
}

// One path segment of /.well-known/matrix/; a leading dot would make `.` and `..` of it.
const DOCUMENT_NAME = /^(?!\.)[A-Za-z0-9._-]+$/;

/** Documents under /.well-known/matrix/ by name, each a mapping that JSON can hold. */
export const documents: z.ZodType<Readonly<Record<string, JsonObject>>> = z
  .record(
    z.string().regex(DOCUMENT_NAME),
    z.record(z.string(), z.unknown()).superRefine((document, context) => refuseNonJson(document, [], context)),
  )
  .superRefine((record, context) => {
    const delegated = record['server']?.['m.server'];
    if (delegated === undefined) return;
    const parsed = typeof delegated === 'string' ? readServerName(delegated) : bad<ServerName>('is no server name');
    if (!parsed.ok) context.addIssue({ code: 'custom', message: parsed.why, path: ['server', 'm.server'] });
  });

function refuseNonJson(value: unknown, at: (string | number)[], context: z.RefinementCtx): void {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    context.addIssue({ code: 'custom', message: `${value} is a number that JSON cannot hold`, path: at });
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of Object.entries(value)) {
      refuseNonJson(inner, [...at, Array.isArray(value) ? Number(key) : key], context);
    }
  }
}
