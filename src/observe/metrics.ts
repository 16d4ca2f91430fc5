import { type CounterId, type GaugeId, type LabelsOf, METRICS, type Metric } from './metrics-table.ts';

/** A counter with its labels. To be kept where it is counted often: adding is then an addition. */
export interface BoundCounter {
  add(): void;
}

/** What a gauge shows for one set of labels. */
export interface Sample<K extends GaugeId = GaugeId> {
  readonly labels: LabelsOf<K>;
  readonly value: number;
}

/** The text of a scrape. */
export interface Exposition {
  readonly contentType: string;
  readonly text: string;
}

/** The metrics of one sidecar. */
export interface Metrics {
  /** The same counter for the same labels. */
  counter<K extends CounterId>(id: K, labels: LabelsOf<K>): BoundCounter;
  /** `read` is asked at each scrape, must be quick and must not throw; it takes the place of an earlier one. */
  gauge<K extends GaugeId>(id: K, read: () => readonly Sample<K>[]): void;
  /** Everything as Prometheus reads it, with the process's own metrics. */
  scrape(): Promise<Exposition>;
}

type Labels = Readonly<Record<string, string>>;

interface Cell extends BoundCounter {
  readonly labels: Labels;
  count: number;
}

/**
 * Counting costs nothing but memory. prom-client, which costs 35 ms, and the process's own metrics, which cost half a
 * percent of a core, come into being at the first scrape.
 */
export function createMetrics(): Metrics {
  const cells = new Map<CounterId, Map<string, Cell>>();
  const gauges = new Map<GaugeId, () => readonly { readonly labels: Labels; readonly value: number }[]>();
  let exposing: Promise<() => Promise<Exposition>> | undefined;

  async function expose(): Promise<() => Promise<Exposition>> {
    const { collectDefaultMetrics, Counter, Gauge, Registry } = await import('prom-client');
    const registry = new Registry();
    for (const [id, metric] of Object.entries(METRICS) as [CounterId | GaugeId, Metric][]) {
      const options = { name: metric.name, help: metric.help, labelNames: metric.labels, registers: [registry] };
      if (metric.type === 'counter') {
        new Counter({
          ...options,
          collect() {
            this.reset();
            for (const { labels, count } of cells.get(id as CounterId)?.values() ?? []) this.inc({ ...labels }, count);
          },
        });
      } else {
        new Gauge({
          ...options,
          collect() {
            this.reset();
            for (const { labels, value } of gauges.get(id as GaugeId)?.() ?? []) this.set({ ...labels }, value);
          },
        });
      }
    }
    collectDefaultMetrics({ register: registry });
    return async () => ({ contentType: registry.contentType, text: await registry.metrics() });
  }

  return {
    counter(id, labels) {
      const ofMetric = cells.get(id) ?? new Map<string, Cell>();
      cells.set(id, ofMetric);
      const key = JSON.stringify(METRICS[id].labels.map((name) => (labels as Labels)[name]));
      const cell: Cell = ofMetric.get(key) ?? {
        labels,
        count: 0,
        add() {
          cell.count += 1;
        },
      };
      ofMetric.set(key, cell);
      return cell;
    },
    gauge(id, read) {
      gauges.set(id, read);
    },
    async scrape() {
      exposing ??= expose();
      return (await exposing)();
    },
  };
}
