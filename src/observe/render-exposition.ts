import type { MetricsSnapshot } from './metric-family.ts';

/** The text of a scrape. */
export interface Exposition {
  readonly contentType: string;
  readonly text: string;
}

/** Writes metrics as Prometheus reads them. prom-client, which costs 35 ms to load, is loaded by the first scrape. */
export async function renderExposition({ own, process }: MetricsSnapshot): Promise<Exposition> {
  const { AggregatorRegistry } = await import('prom-client');
  const families = [...own, ...process].map(({ merge: _, values, ...family }) => ({
    ...family,
    // Nothing is left to merge: each value is the only one with its labels.
    aggregator: 'first',
    values: values.map((one) => ({ ...one, value: one.value ?? Number.NaN })),
  }));
  const registry = AggregatorRegistry.aggregate([families]);
  return { contentType: registry.contentType, text: await registry.metrics() };
}
