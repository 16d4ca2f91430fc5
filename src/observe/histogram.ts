import type { MetricValue } from './metric-family.ts';

/** A histogram with its labels. To be kept where it is used often: to observe is then a few comparisons. */
export interface BoundHistogram {
  /** In the unit of the metric. */
  observe(value: number): void;
}

/** One that tells what it has seen. */
export interface Histogram extends BoundHistogram {
  /** Its series as Prometheus has them: cumulative buckets, sum and count. */
  describe(): readonly MetricValue[];
}

/** @param name that of the metric. @param bounds upper bounds of the buckets, ascending; `+Inf` comes by itself. */
export function createHistogram(
  name: string,
  bounds: readonly number[],
  labels: Readonly<Record<string, string>>,
): Histogram {
  const counts = new Array<number>(bounds.length + 1).fill(0);
  let sum = 0;
  return {
    observe(value) {
      let index = 0;
      while (index < bounds.length && value > bounds[index]!) index++;
      counts[index]!++;
      sum += value;
    },
    describe() {
      let total = 0;
      const buckets = counts.map((count, index) => {
        total += count;
        return {
          labels: { ...labels, le: String(bounds[index] ?? '+Inf') },
          value: total,
          metricName: `${name}_bucket`,
        };
      });
      return [
        ...buckets,
        { labels, value: sum, metricName: `${name}_sum` },
        { labels, value: total, metricName: `${name}_count` },
      ];
    },
  };
}
