/** One level of a log: the fields first, then one sentence. */
export type LogMethod = (fields: object, sentence: string) => void;

/** Where a capability writes what an operator should know. A pino logger is one. */
export interface Log {
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
}
