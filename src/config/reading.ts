import type { ConfigSource, Report } from './config-source.ts';
import type { FileText } from './secret-file.ts';
import type { Section } from './table-shape.ts';

/** What reading needs at every level. */
export interface Reading {
  readonly source: ConfigSource;
  readonly report: Report;
  /** The whole table, to say where a misplaced key belongs. */
  readonly whole: Section;
  /** Reads a file that holds a secret; relative paths start in the working directory. */
  readonly readSecret: (path: string) => FileText;
}

/** Whether a value is a YAML mapping. */
export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
