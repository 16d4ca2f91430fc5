/** error: it does not work. warning: something does not, or soon will not. info: good to know, worth a look. */
export type Severity = 'error' | 'warning' | 'info';

/** One thing that was found wrong, and what to do about it. */
export interface Finding {
  /** Stable, kebab-case; docs/troubleshooting.md has an entry of this name. */
  readonly id: string;
  readonly severity: Severity;
  /** One sentence. */
  readonly what: string;
  /** One sentence: what to do. */
  readonly fix: string;
  /** What to write, line by line as it stands in the file that `fix` names. */
  readonly lines?: readonly string[];
  /** The line that is meant, from 1; a line of undefined means the file as a whole. */
  readonly place?: { readonly file: string; readonly line: number | undefined };
}
