import type { System, Timer } from '../base/system.ts';
import type { MetricValue } from './metric-family.ts';

/** How many requests there were of late. */
export interface TrafficStatus {
  readonly step_seconds: number;
  /** When the first step began; ISO 8601, a multiple of the step. */
  readonly from: string;
  readonly steps: number;
  /** Where there was nothing at all, there is no series. */
  readonly series: readonly TrafficSeries[];
}

export interface TrafficSeries {
  /** Where they belong, as in the metrics. */
  readonly surface: string;
  /** The class of their answers: `2xx`; `none` where the client left before. */
  readonly status: string;
  /** How many were over in each step, the oldest first. */
  readonly requests: readonly number[];
}

export interface TrafficRecordSlice {
  /** Milliseconds. */
  readonly step: number;
  /** Steps that are remembered. */
  readonly kept: number;
}

/** Remembers the traffic of the last minutes. */
export interface TrafficRecord {
  /** The steps that are over; of one that is closed the one that was going on as well. */
  describe(): TrafficStatus;
  /** Idempotent. */
  close(): void;
}

interface Cell {
  readonly surface: string;
  readonly status: string;
  /** What its counters stood at. */
  seen: number;
  /** By the number of the step since the epoch. */
  readonly steps: Map<number, number>;
}

/** What asks how the sidecar is, is not what it is there for. */
const OWN_BUSINESS: ReadonlySet<unknown> = new Set(['admin', 'probe']);

/**
 * Looks at the counters once in each step: whoever counts knows nothing of it. Steps begin at multiples of their length on the
 * wall clock, so that those of several processes can be added up. `read` is the metric `requests`; its labels are few, so this
 * is bounded.
 */
export function createTrafficRecord(
  { step, kept }: TrafficRecordSlice,
  { system, read }: { readonly system: System; readonly read: () => readonly MetricValue[] },
): TrafficRecord {
  const cells = new Map<string, Cell>();
  let timer: Timer;
  let closed = false;

  /** The step that is going on. */
  const number = (): number => Math.floor(system.now() / step);

  function look(): void {
    take(number() - 1);
    wait();
  }

  /** What was counted since the last time belongs to this step, which is the latest. */
  function take(latest: number): void {
    for (const [key, { surface, status, count }] of sumUp(read())) {
      const cell = cells.get(key) ?? { surface, status, seen: 0, steps: new Map<number, number>() };
      cells.set(key, cell);
      if (count > cell.seen) cell.steps.set(latest, (cell.steps.get(latest) ?? 0) + count - cell.seen);
      cell.seen = count;
      // A clock that was set back leaves steps that are yet to come.
      for (const at of cell.steps.keys()) if (at <= latest - kept || at > latest) cell.steps.delete(at);
    }
  }

  function wait(): void {
    if (!closed) timer = system.setTimer(step - (system.now() % step), look);
  }
  wait();

  return {
    describe() {
      if (closed) take(number());
      const first = number() - kept + (closed ? 1 : 0);
      const list = (steps: Cell['steps']): number[] =>
        Array.from({ length: kept }, (_, index) => steps.get(first + index) ?? 0);
      const series = [...cells.values()].map(({ surface, status, steps }) => ({
        surface,
        status,
        requests: list(steps),
      }));
      return {
        step_seconds: step / 1000,
        from: new Date(first * step).toISOString(),
        steps: kept,
        series: series.filter(({ requests }) => requests.some((count) => count > 0)),
      };
    },
    close() {
      closed = true;
      timer.cancel();
    },
  };
}

interface Sum {
  readonly surface: string;
  readonly status: string;
  count: number;
}

/** By surface and class of status. */
function sumUp(values: readonly MetricValue[]): ReadonlyMap<string, Sum> {
  const sums = new Map<string, Sum>();
  for (const { labels, value } of values) {
    const surface = String(labels['surface']);
    if (OWN_BUSINESS.has(surface)) continue;
    const label = String(labels['status']);
    const status = /^[1-5]/.test(label) ? `${label[0]}xx` : label;
    const key = `${surface} ${status}`;
    const sum = sums.get(key) ?? { surface, status, count: 0 };
    sums.set(key, sum);
    sum.count += value ?? 0;
  }
  return sums;
}
