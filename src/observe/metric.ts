import type { MergeRule } from './metric-family.ts';

/** One metric: all that Prometheus and its reader have to know of it. */
export interface Metric {
  /** As Prometheus wants it: the unit in the name, base units, `_total` behind a counter. */
  readonly name: string;
  /** A gauge is asked for at each scrape; a counter and a histogram count from the start of the process. */
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** One sentence, for `# HELP` and for the reference page. */
  readonly help: string;
  readonly labels: readonly string[];
  /** For the reference page. */
  readonly unit: string;
  /** Of a histogram: upper bounds, in its unit, ascending, without `+Inf`. */
  readonly buckets?: readonly number[];
  /** What a gauge is for several processes together; counters and histograms are summed up. */
  readonly merge?: MergeRule;
}
