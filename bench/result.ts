import type { MachineFacts } from './machine.ts';
import type { ContenderName } from './peers/peer.ts';

/** What the figure of a row is. Less is better, but for `speed-up`. */
export type Unit = 'µs/request' | 'µs/MB' | 'bytes/connection' | 'times' | 'ms' | 'MB' | 'speed-up';

export interface Row {
  readonly name: string;
  readonly title: string;
  readonly unit: Unit;
}

/** One measurement. */
export interface Cell {
  /** In the unit of the row. */
  readonly figure: number;
  /** Requests, or megabytes (10^6 bytes), a second of real time. */
  readonly perSecond?: number;
  /** Milliseconds. */
  readonly p50?: number;
  readonly p99?: number;
  /** Share of its processor that the proxy used: where it is well below 1, load and upstream were the limit. */
  readonly busy?: number;
}

/** A row with what was measured: for each contender one cell a round, undefined where it failed. */
export interface RowResult extends Row {
  readonly cells: Readonly<Partial<Record<ContenderName, readonly (Cell | null)[]>>>;
}

/** All of a run. */
export interface BenchResult {
  readonly format: 1;
  /** ISO 8601. */
  readonly date: string;
  readonly machine: MachineFacts;
  readonly versions: Readonly<Record<string, string>>;
  readonly rounds: number;
  readonly rows: readonly RowResult[];
  /** Rows that were not measured, and why. */
  readonly skipped: readonly { readonly row: string; readonly why: string }[];
  /** What went wrong, one sentence each. */
  readonly failures: readonly string[];
}
