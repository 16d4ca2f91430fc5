import type * as z from 'zod';

/**
 * The shape of the configuration's table. Everything that is said about a key is said once, in the table: how it is
 * read, its default, its sentence of documentation, its example, its variable. The reader, the JSON Schema, the
 * annotated sample and the reference page are made from it.
 */

interface Said {
  /** One or two sentences for the reference page, the sample and the editor. */
  readonly says: string;
  /** A value that is accepted, as it is written in YAML. */
  readonly example: unknown;
  /** The environment variable that gives the same value for a single server. */
  readonly variable?: string;
  /** True when a comma in the variable separates several values. */
  readonly several?: true;
  /** True for passwords and for addresses that hold one: the value never appears in a sentence. */
  readonly secret?: true;
  /** True when the key beside it with `_file` after its name may name a file that holds the value instead. */
  readonly file?: true;
  /** The key beside it by which a required one may be found elsewhere. */
  readonly unless?: string;
}

/** One key with a value. `Given` is true when a sound configuration always has a value for it. */
export interface Key<T = unknown, Given extends boolean = boolean> extends Said {
  readonly kind: 'key';
  readonly type: z.ZodType<T>;
  readonly presence: 'required' | 'optional' | 'default';
  /** As written in YAML; read by `type` like anything else. Undefined unless presence is `default`. */
  readonly default: unknown;
  /** What holds when an optional key is left out. */
  readonly otherwise: string | undefined;
  /** Keeps the types of `Given` apart; never set. */
  readonly given?: Given;
}

/** A mapping of keys. */
export interface Section<K extends Keys = Keys, Given extends boolean = boolean> {
  readonly kind: 'section';
  readonly says: string;
  readonly keys: K;
  /** An optional section is undefined when it is left out; others are then made of their keys' defaults. */
  readonly optional: boolean;
  /** Keys of which the JSON Schema demands one of these combinations. */
  readonly combinations?: readonly (readonly string[])[];
  /** Other names by which people know its keys, and the keys that they mean. */
  readonly alsoCalled?: Readonly<Record<string, string>>;
  /** Keys of an example of an optional section; the first combination, or the required keys, when it is left out. */
  readonly shown?: readonly string[];
  readonly given?: Given;
}

/** A list of mappings, at least one. */
export interface SectionList<K extends Keys = Keys> {
  readonly kind: 'list';
  readonly says: string;
  readonly of: Section<K>;
}

/** The sections of which one is written. Each has, among its keys, the one that says which it is. */
export type Forms = { readonly [name: string]: Section };

/** A mapping, undefined when it is left out, with one key on whose value it depends which other keys there are. */
export interface Variants<F extends Forms = Forms> {
  readonly kind: 'variants';
  readonly says: string;
  /** The key whose value is the name of a form. */
  readonly by: string;
  readonly forms: F;
}

export type Entry = Key | Section | SectionList | Variants;
export type Keys = { readonly [name: string]: Entry };

/** What reading gives while there may be problems: anything can be missing. */
export type Draft<K extends Keys> = {
  readonly [N in keyof K]: K[N] extends Key<infer T>
    ? T | undefined
    : K[N] extends Section<infer S>
      ? Draft<S> | undefined
      : K[N] extends SectionList<infer S>
        ? readonly (Draft<S> | undefined)[] | undefined
        : K[N] extends Variants<infer F>
          ? DraftForm<F[keyof F]> | undefined
          : never;
};

type DraftForm<S> = S extends Section<infer K> ? Draft<K> : never;

/** What reading gives when there was no problem. */
export type Sound<K extends Keys> = {
  readonly [N in keyof K]: K[N] extends Key<infer T, infer Given>
    ? Given extends true
      ? T
      : T | undefined
    : K[N] extends Section<infer S, infer Given>
      ? Given extends true
        ? Sound<S>
        : Sound<S> | undefined
      : K[N] extends SectionList<infer S>
        ? readonly Sound<S>[]
        : K[N] extends Variants<infer F>
          ? SoundForm<F[keyof F]> | undefined
          : never;
};

type SoundForm<S> = S extends Section<infer K> ? Sound<K> : never;

/** The key beside a secret that names a file which holds it. */
export function fileKey<N extends string>(name: N): `${N}_file` {
  return `${name}_file`;
}

/** A key that must be written. */
export function requiredKey<T>(type: z.ZodType<T>, said: Said): Key<T, true> {
  return { kind: 'key', type, presence: 'required', default: undefined, otherwise: undefined, ...said };
}

/** A key that may be left out; `otherwise` says what holds then. */
export function optionalKey<T>(type: z.ZodType<T>, said: Said & { readonly otherwise: string }): Key<T, false> {
  return { kind: 'key', type, presence: 'optional', default: undefined, ...said };
}

/** A key with a default, given as it is written in YAML. */
export function defaultKey<T>(type: z.ZodType<T>, said: Said & { readonly default: unknown }): Key<T, true> {
  return { kind: 'key', type, presence: 'default', otherwise: undefined, ...said };
}

/** A section that always exists: what is not written in it has its default. */
export function section<K extends Keys>(says: string, keys: K): Section<K, true> {
  return { kind: 'section', says, keys, optional: false };
}

/** A section that is undefined unless it is written. */
export function optionalSection<K extends Keys>(
  says: string,
  keys: K,
  more: Pick<Section, 'combinations' | 'shown' | 'alsoCalled'> = {},
): Section<K, false> {
  return { kind: 'section', says, keys, optional: true, ...more };
}

/** A mapping that has one of several forms; each has the key `by` with its own name as the only word. */
export function variants<F extends Forms>(says: string, by: string, forms: F): Variants<F> {
  return { kind: 'variants', says, by, forms };
}
