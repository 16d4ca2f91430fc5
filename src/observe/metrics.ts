import { type BoundHistogram, createHistogram, type Histogram } from './histogram.ts';
import type { Metric } from './metric.ts';
import type { MetricFamily, MetricsSnapshot, MetricValue } from './metric-family.ts';
import { type CounterId, type GaugeId, type HistogramId, type LabelsOf, METRICS } from './metrics-table.ts';
import { type Exposition, renderExposition } from './render-exposition.ts';

/** A counter with its labels. To be kept where it is counted often: adding is then an addition. */
export interface BoundCounter {
  add(): void;
}

/** What a gauge shows for one set of labels. */
export interface Sample<K extends GaugeId = GaugeId> {
  readonly labels: LabelsOf<K>;
  readonly value: number;
}

/** The metrics of one sidecar. */
export interface Metrics {
  /** The same counter for the same labels. */
  counter<K extends CounterId>(id: K, labels: LabelsOf<K>): BoundCounter;
  /** The same histogram for the same labels. */
  histogram<K extends HistogramId>(id: K, labels: LabelsOf<K>): BoundHistogram;
  /** `read` is asked at each scrape, must be quick and must not throw; it takes the place of an earlier one. */
  gauge<K extends GaugeId>(id: K, read: () => readonly Sample<K>[]): void;
  /** What one of the table shows now. */
  values(id: CounterId | GaugeId): readonly MetricValue[];
  /** Those of the table that are of these types. */
  describe(types: readonly Metric['type'][]): readonly MetricFamily[];
  /** Everything, with the process's own metrics. */
  snapshot(): Promise<MetricsSnapshot>;
  /** The same as Prometheus reads it. */
  scrape(): Promise<Exposition>;
}

type Labels = Readonly<Record<string, string>>;

interface Cell extends BoundCounter {
  readonly labels: Labels;
  count: number;
}

/**
 * Counting costs nothing but memory. The process's own metrics, which cost half a percent of a core, come into being at the
 * first snapshot.
 */
export function createMetrics(): Metrics {
  const cells = new Map<CounterId, Map<string, Cell>>();
  const histograms = new Map<HistogramId, Map<string, Histogram>>();
  const gauges = new Map<GaugeId, () => readonly { readonly labels: Labels; readonly value: number }[]>();
  let measuring: Promise<() => Promise<readonly MetricFamily[]>> | undefined;

  function describe(types: readonly Metric['type'][]): readonly MetricFamily[] {
    const rows = Object.entries(METRICS) as [CounterId | GaugeId | HistogramId, Metric][];
    return rows
      .filter(([, metric]) => types.includes(metric.type))
      .map(([id, { name, help, type, merge }]) => ({
        name,
        help,
        type,
        merge: merge ?? 'sum',
        values: read(id, type),
      }));
  }

  function read(id: CounterId | GaugeId | HistogramId, type: Metric['type']): MetricFamily['values'] {
    if (type === 'gauge') return gauges.get(id as GaugeId)?.() ?? [];
    if (type === 'counter')
      return [...(cells.get(id as CounterId)?.values() ?? [])].map(({ labels, count }) => ({ labels, value: count }));
    return [...(histograms.get(id as HistogramId)?.values() ?? [])].flatMap((one) => one.describe());
  }

  async function measure(): Promise<() => Promise<readonly MetricFamily[]>> {
    const { collectDefaultMetrics, Registry } = await import('prom-client');
    const registry = new Registry();
    collectDefaultMetrics({ register: registry });
    return async () =>
      (await registry.getMetricsAsJSON())
        // Prometheus's own checker wants that suffix on counters only; the same by type, without it, tells more.
        .filter(({ name, type }) => !(String(type) === 'gauge' && name.endsWith('_total')))
        .map(({ name, help, type, values }) => {
          return { name, help, type: String(type), merge: 'max', values: values as MetricFamily['values'] };
        });
  }

  async function snapshot(): Promise<MetricsSnapshot> {
    measuring ??= measure();
    const process = await (await measuring)();
    return { own: describe(['counter', 'gauge', 'histogram']), process };
  }

  return {
    counter: (id, labels) => findSeries(cells, id, labels, () => createCell(labels)),
    histogram(id, labels) {
      const { name, buckets } = METRICS[id];
      return findSeries(histograms, id, labels, () => createHistogram(name, buckets, labels));
    },
    gauge(id, read) {
      gauges.set(id, read);
    },
    values: (id) => read(id, METRICS[id].type),
    describe,
    snapshot,
    scrape: async () => renderExposition(await snapshot()),
  };
}

function createCell(labels: Labels): Cell {
  const cell: Cell = {
    labels,
    count: 0,
    add() {
      cell.count += 1;
    },
  };
  return cell;
}

/** The one with these labels, made when it is first asked for. */
function findSeries<K extends CounterId | HistogramId, S>(
  all: Map<K, Map<string, S>>,
  id: K,
  labels: Labels,
  create: () => S,
): S {
  const ofMetric = all.get(id) ?? new Map<string, S>();
  all.set(id, ofMetric);
  const key = JSON.stringify(METRICS[id].labels.map((name) => labels[name]));
  const one = ofMetric.get(key) ?? create();
  ofMetric.set(key, one);
  return one;
}
