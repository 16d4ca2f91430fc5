import type { BenchResult } from './result.ts';
import { ratioTo } from './targets.ts';

/** What the guard says of a run. */
export interface GuardVerdict {
  readonly ok: boolean;
  readonly lines: readonly string[];
}

/** Holds every row that has a limit against it. A row that could not be measured does not pass. */
export function judgeGuard(result: BenchResult, limits: Readonly<Record<string, number>>): GuardVerdict {
  const verdicts = Object.entries(limits).map(([name, limit]) => {
    const row = result.rows.find((one) => one.name === name);
    const ratio = row === undefined ? undefined : ratioTo(row, 'nginx');
    const ok = ratio !== undefined && ratio <= limit;
    const reached = ratio === undefined ? 'was not measured' : `${ratio.toFixed(2)} times nginx`;
    return { ok, line: `${ok ? 'ok' : 'FAILED'} ${name}: ${reached}, limit ${limit}` };
  });
  return { ok: verdicts.every(({ ok }) => ok), lines: verdicts.map(({ line }) => line) };
}
