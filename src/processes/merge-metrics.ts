import { identifyValue, type MetricFamily, type MetricsSnapshot, type MetricValue } from '../observe/metric-family.ts';

/** What one process counted and measured. */
export interface MetricsPart extends MetricsSnapshot {
  readonly slot: number;
  /** It takes nothing new: what it says of the configuration and its certificates may be out of date. */
  readonly leaving: boolean;
}

/**
 * The metrics of several processes as those of one sidecar. Counters are summed up, with what processes that have ended
 * counted, so that they never go back. The processes' own metrics get the label `process`; of those that leave there are
 * none, because their slots are another's by then. Pure.
 */
export function mergeMetrics(parts: readonly MetricsPart[], ended: readonly MetricFamily[]): MetricsSnapshot {
  const staying = parts.filter(({ leaving }) => !leaving);
  const own = parts.flatMap((part) => {
    // What is true of the whole (certificates, the homeserver) is told by those that stay; what adds up, by all.
    const tells = (family: MetricFamily): boolean =>
      !part.leaving || family.merge === 'sum' || family.type !== 'gauge' || staying.length === 0;
    return part.own.map((family) => (tells(family) ? family : { ...family, values: [] }));
  });
  const process = staying.flatMap((part) =>
    part.process.map((family) => ({
      ...family,
      values: family.values.map((one) => ({ ...one, labels: { process: String(part.slot), ...one.labels } })),
    })),
  );
  return { own: mergeFamilies([...own, ...ended]), process: mergeFamilies(process) };
}

/** One family of each name, one value for each set of labels. In the order in which they come first. Pure. */
export function mergeFamilies(families: readonly MetricFamily[]): readonly MetricFamily[] {
  const merged = new Map<string, { readonly family: MetricFamily; readonly values: Map<string, MetricValue> }>();
  for (const family of families) {
    const known = merged.get(family.name) ?? { family, values: new Map<string, MetricValue>() };
    merged.set(family.name, known);
    for (const one of family.values) {
      const id = identifyValue(one);
      const other = known.values.get(id);
      known.values.set(id, other === undefined ? one : { ...one, value: mergeValues(family, other.value, one.value) });
    }
  }
  return [...merged.values()].map(({ family, values }) => ({ ...family, values: [...values.values()] }));
}

function mergeValues({ type, merge }: MetricFamily, a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  if (type !== 'gauge' || merge === 'sum') return a + b;
  return merge === 'max' ? Math.max(a, b) : Math.min(a, b);
}
