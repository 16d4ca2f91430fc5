import type { TrafficSeries, TrafficStatus } from '../observe/traffic-record.ts';

/** The traffic of several processes as that of one, as of the latest of them. There is at least one. Pure. */
export function mergeTraffic(all: readonly TrafficStatus[]): TrafficStatus {
  const latest = all.reduce((a, b) => (Date.parse(b.from) > Date.parse(a.from) ? b : a));
  const { step_seconds, steps } = latest;
  const sums = new Map<string, TrafficSeries & { readonly requests: number[] }>();
  for (const one of all) {
    // Another release may look at other times: what cannot be added up is left out.
    if (one.step_seconds !== step_seconds) continue;
    const late = Math.round((Date.parse(latest.from) - Date.parse(one.from)) / (step_seconds * 1000));
    for (const { surface, status, requests } of one.series) {
      const key = `${surface} ${status}`;
      const sum = sums.get(key) ?? { surface, status, requests: Array<number>(steps).fill(0) };
      sums.set(key, sum);
      requests.forEach((count, index) => {
        const at = index - late;
        if (at >= 0 && at < steps) sum.requests[at]! += count;
      });
    }
  }
  return { ...latest, series: [...sums.values()].filter(({ requests }) => requests.some((count) => count > 0)) };
}
