/** How values of several processes become one: a gauge's by its row in the table, a counter's always by their sum. */
export type MergeRule = 'sum' | 'max' | 'min';

/** What is known of one metric at one moment, as it goes from one process to another (JSON). */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly merge: MergeRule;
  readonly values: readonly MetricValue[];
}

export interface MetricValue {
  readonly labels: Readonly<Record<string, string | number>>;
  /** JSON has no NaN: null stands for it. */
  readonly value: number | null;
  /** Where it is not the family's: the parts of a histogram. */
  readonly metricName?: string | undefined;
}

/** All metrics of a process, or of several. */
export interface MetricsSnapshot {
  /** Those of the table. */
  readonly own: readonly MetricFamily[];
  /** `process_*` and `nodejs_*`, which speak of one process. */
  readonly process: readonly MetricFamily[];
}

/** The same for the same labels, in whatever order they stand. */
export function identifyValue({ labels, metricName = '' }: MetricValue): string {
  return JSON.stringify([metricName, ...Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))]);
}
