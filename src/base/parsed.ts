/** The outcome of reading a string from a person or a stranger: a value, or one sentence on why it is none. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string };

export function good<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

export function bad<T>(why: string): Parsed<T> {
  return { ok: false, why };
}
