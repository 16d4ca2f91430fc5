import type * as z from 'zod';
import { fileKey, type Key, optionalKey, requiredKey } from './table-shape.ts';
import { path } from './values.ts';

interface SaidOfSecret {
  readonly says: string;
  readonly example: string;
  readonly variable?: string;
  /** An example of the file that may hold it. */
  readonly exampleFile: string;
}

/** The secret itself, and the file that may hold it instead. */
type SecretKeys<N extends string, T, Given extends boolean> = { readonly [K in N]: Key<T, Given> } & {
  readonly [K in `${N}_file`]: Key<string, false>;
};

/** A secret that must be given in one of the two ways. */
export function requiredSecret<const N extends string, T>(
  name: N,
  type: z.ZodType<T>,
  { exampleFile, ...said }: SaidOfSecret,
): SecretKeys<N, T, true> {
  const key = requiredKey(type, { ...said, secret: true, file: true });
  return pair(name, key, exampleFile);
}

/** A secret that may be left out; `otherwise` says what holds then. */
export function optionalSecret<const N extends string, T>(
  name: N,
  type: z.ZodType<T>,
  { exampleFile, ...said }: SaidOfSecret & { readonly otherwise: string },
): SecretKeys<N, T, false> {
  const key = optionalKey(type, { ...said, secret: true, file: true });
  return pair(name, key, exampleFile);
}

function pair<N extends string, T, Given extends boolean>(
  name: N,
  key: Key<T, Given>,
  exampleFile: string,
): SecretKeys<N, T, Given> {
  const file = optionalKey(path, {
    says: `File that holds \`${name}\`; one line end after it is ignored.`,
    example: exampleFile,
    otherwise: `see \`${name}\``,
  });
  return { [name]: key, [fileKey(name)]: file } as SecretKeys<N, T, Given>;
}
