/** But for what a line has of its own: written twice, the second would be taken for it. */
interface Fields {
  readonly level?: never;
  readonly time?: never;
  readonly msg?: never;
  readonly [field: string]: unknown;
}

/** One level of a log: the fields first, then one sentence. */
export type LogMethod = (fields: Fields, sentence: string) => void;

/** Where a capability writes what an operator should know. A pino logger is one. */
export interface Log {
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
}
