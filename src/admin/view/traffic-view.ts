import type { TrafficSeries, TrafficStatus } from '../../observe/traffic-record.ts';

/** The traffic of the last minutes, for a drawing and for a table. Rates are in requests per second. */
export interface TrafficView {
  /** What they are over, for people: `10 minutes`. */
  readonly span: string;
  readonly now: number;
  readonly mean: number;
  /** Of one step. */
  readonly most: number;
  /** Of all answers, from 0 to 1; 0 where there was none. */
  readonly failedShare: number;
  /** Rates in each step, the oldest first. */
  readonly steps: readonly TrafficStep[];
  /** The busiest first. */
  readonly surfaces: readonly SurfaceView[];
}

/** How many requests a second were answered as the client may have hoped, refused (4xx), and failed (5xx). */
export interface TrafficStep {
  readonly fine: number;
  readonly refused: number;
  readonly failed: number;
}

export interface SurfaceView {
  readonly surface: string;
  readonly mean: number;
  readonly failedShare: number;
}

/** Steps that make up "now": one alone jumps about. */
const NOW = 3;

/** Pure. */
export function viewTraffic({ step_seconds, steps, series }: TrafficStatus): TrafficView {
  const sums = Array.from({ length: steps }, (_, index): TrafficStep => {
    const sum = (kind: keyof TrafficStep): number =>
      series.reduce((all, one) => (kindOf(one) === kind ? all + (one.requests[index] ?? 0) : all), 0);
    return {
      fine: sum('fine') / step_seconds,
      refused: sum('refused') / step_seconds,
      failed: sum('failed') / step_seconds,
    };
  });
  const totals = sums.map(({ fine, refused, failed }) => fine + refused + failed);
  const surfaces = [...new Set(series.map(({ surface }) => surface))].map((surface): SurfaceView => {
    const own = series.filter((one) => one.surface === surface);
    return { surface, mean: total(own) / steps / step_seconds, failedShare: shareFailed(own) };
  });
  return {
    span: `${Math.round((steps * step_seconds) / 60)} minutes`,
    now: add(totals.slice(-NOW)) / NOW,
    mean: add(totals) / steps,
    most: Math.max(0, ...totals),
    failedShare: shareFailed(series),
    steps: sums,
    surfaces: surfaces.sort((a, b) => b.mean - a.mean),
  };
}

/** A rate for people: `0.4`, `12`, `1,234`. */
export function sayRate(rate: number): string {
  if (rate === 0) return '0';
  if (rate < 0.1) return 'under 0.1';
  return rate < 10 ? rate.toFixed(1) : Math.round(rate).toLocaleString('en');
}

/** `0 %`, `0.3 %`, `12 %`. */
export function sayShare(share: number): string {
  if (share === 0) return '0 %';
  if (share < 0.001) return 'under 0.1 %';
  return share < 0.1 ? `${(share * 100).toFixed(1)} %` : `${Math.round(share * 100)} %`;
}

function kindOf({ status }: TrafficSeries): keyof TrafficStep {
  if (status === '5xx') return 'failed';
  return status === '4xx' || status === 'none' || status === 'odd' ? 'refused' : 'fine';
}

function shareFailed(series: readonly TrafficSeries[]): number {
  const all = total(series);
  return all === 0 ? 0 : total(series.filter((one) => kindOf(one) === 'failed')) / all;
}

function total(series: readonly TrafficSeries[]): number {
  return add(series.map(({ requests }) => add(requests)));
}

function add(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0);
}
