import type { MetricFamily } from '../observe/metric-family.ts';
import { METRICS } from '../observe/metrics-table.ts';
import type { SavedStatus } from './status.ts';

/** What the counters say of requests that were saved, or had to wait. Pure. */
export function countSaved(families: readonly MetricFamily[]): SavedStatus {
  return {
    by: countBy(families, METRICS.requestsSaved.name, 'by'),
    held: countBy(families, METRICS.requestsHeldTotal.name, 'outcome'),
  };
}

/** Of several. Pure. */
export function addSaved(all: readonly SavedStatus[]): SavedStatus {
  return { by: addRecords(all.map(({ by }) => by)), held: addRecords(all.map(({ held }) => held)) };
}

function countBy(families: readonly MetricFamily[], name: string, label: string): Record<string, number> {
  const values = families.filter((family) => family.name === name).flatMap((family) => family.values);
  return addRecords(values.map(({ labels, value }) => ({ [String(labels[label])]: value ?? 0 })));
}

function addRecords(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums = new Map<string, number>();
  for (const [key, count] of all.flatMap((one) => Object.entries(one))) sums.set(key, (sums.get(key) ?? 0) + count);
  return Object.fromEntries(sums);
}
