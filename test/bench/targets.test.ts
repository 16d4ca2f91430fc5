import { describe, expect, it } from 'vitest';
import { ROW_NAMES } from '../../bench/experiments/catalogue.ts';
import { judgeGuard } from '../../bench/guard.ts';
import { GUARD_LIMITS } from '../../bench/guard-limits.ts';
import type { BenchResult, RowResult } from '../../bench/result.ts';
import { judgeRow, TARGETS } from '../../bench/targets.ts';

const row: RowResult = {
  name: 'small-get-h1',
  title: 'small GET',
  unit: 'µs/request',
  cells: {
    sidecar: [{ figure: 30 }, { figure: 28 }, null],
    nginx: [{ figure: 20 }, { figure: 20 }, { figure: 20 }],
    caddy: [{ figure: 100 }, { figure: 100 }, { figure: 1 }],
  },
};
const result = { rows: [row] } as unknown as BenchResult;

describe('targets of the bench', () => {
  it('has rows for all targets and limits', () => {
    const named = [...TARGETS.map((target) => target.row), ...Object.keys(GUARD_LIMITS)];
    expect(named.filter((name) => !ROW_NAMES.includes(name))).toEqual([]);
  });

  it('compares the median of ratios with each peer', () => {
    expect(judgeRow(row)).toEqual([
      { peer: 'nginx', relation: '≤', limit: 1.3, reached: 1.45, met: false },
      { peer: 'caddy', relation: '≤', limit: 0.45, reached: expect.closeTo(0.29), met: true },
    ]);
  });

  it('compares the own figure where there is no peer in the target', () => {
    const idle: RowResult = { ...row, name: 'idle-connections', unit: 'bytes/connection' };
    expect(judgeRow(idle)).toEqual([{ peer: undefined, relation: '≤', limit: 45_000, reached: 29, met: true }]);
    const speed: RowResult = { ...row, name: 'processes', unit: 'speed-up', cells: { sidecar: [{ figure: 1.5 }] } };
    expect(judgeRow(speed).map(({ relation, met }) => [relation, met])).toEqual([['≥', false]]);
  });

  it('says nothing of what was not measured', () => {
    expect(judgeRow({ ...row, cells: { nginx: row.cells.nginx! } })).toEqual([]);
  });

  it('lets the guard pass up to its limit', () => {
    expect(judgeGuard(result, { 'small-get-h1': 1.5 }).ok).toBe(true);
    const beyond = judgeGuard(result, { 'small-get-h1': 1.4 });
    expect(beyond.ok).toBe(false);
    expect(beyond.lines).toEqual(['FAILED small-get-h1: 1.45 times nginx, limit 1.4']);
  });

  it('lets no row pass the guard that could not be measured', () => {
    expect(judgeGuard(result, { 'well-known': 9 })).toEqual({
      ok: false,
      lines: ['FAILED well-known: was not measured, limit 9'],
    });
  });
});
