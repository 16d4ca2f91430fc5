import { describe, expect, it } from 'vitest';
import { renderChart } from '../../bench/render-chart.ts';
import { BEGIN, END, renderReadme, replaceBetweenMarks } from '../../bench/render-readme.ts';
import { renderTable, renderVerdict } from '../../bench/render-table.ts';
import type { BenchResult } from '../../bench/result.ts';
import { writeFigure } from '../../bench/write-figures.ts';

const result: BenchResult = {
  format: 1,
  date: '2026-11-23T10:00:00.000Z',
  machine: { processor: 'CPU', processors: 2, kernel: '6', load: 0.1 },
  versions: { nginx: '1.30.6' },
  rounds: 1,
  rows: [
    {
      name: 'small-get-h1',
      title: 'small GET',
      unit: 'µs/request',
      cells: {
        sidecar: [{ figure: 30, perSecond: 20_000, p50: 1, p99: 2, busy: 0.5 }],
        nginx: [{ figure: 20, perSecond: 30_000, p50: 1, p99: 2, busy: 1 }],
        caddy: [null],
      },
    },
    { name: 'idle-connections', title: 'idle', unit: 'bytes/connection', cells: { sidecar: [{ figure: 52_340 }] } },
  ],
  skipped: [],
  failures: [],
};

describe('what the bench writes', () => {
  it.each([
    [48.234, 'µs/request', '48.2 µs'],
    [1234.5, 'µs/MB', '1,235 µs/MB'],
    [45_000, 'bytes/connection', '45.0 kB'],
    [1.0449, 'times', '1.04 ×'],
    [9.999, 'ms', '10.0 ms'],
  ] as const)('writes %f %s as %s', (figure, unit, expected) => {
    expect(writeFigure(figure, unit)).toBe(expected);
  });

  it('has a line in the table for everyone who has a figure', () => {
    const lines = renderTable(result).split('\n');
    expect(lines.find((line) => line.includes('nginx'))).toMatch(
      /20\.0 µs +30,000 +1\.00 ms +2\.00 ms +100 % +1\.50 × +MISSED ≤ 1\.3$/,
    );
    expect(lines.find((line) => line.includes('52.3 kB'))).toMatch(/MISSED ≤ 45\.0 kB$/);
    expect(lines.join('\n')).not.toContain('Caddy');
  });

  it('says which targets are missed and by how much', () => {
    expect(renderVerdict(result)).toContain('0 of 2 targets met.\n  missed small-get-h1: 1.50 × nginx, target ≤ 1.3');
  });

  it('replaces what is between the marks of the README, and nothing else', () => {
    const text = `# A\n${BEGIN}\nold\n${END}\n# B\n`;
    const table = renderReadme(result);
    const once = replaceBetweenMarks(text, table);
    expect(once).toBe(`# A\n${BEGIN}\n${table}${END}\n# B\n`);
    expect(replaceBetweenMarks(once, table)).toBe(once);
    expect(table).toContain('| small GET: CPU µs per request | 30.0 µs | 20.0 µs (1.50 ×) | – | – | ✗ ≤ 1.3 × nginx |');
  });

  it('refuses a README without marks', () => {
    expect(() => replaceBetweenMarks('# A\n', '')).toThrow(/no <!-- bench:begin -->/);
  });

  it('draws a bar for everyone who has a figure', () => {
    const chart = renderChart(result);
    expect(chart).toMatch(/^<svg /);
    // Four of the legend, two of the row.
    expect(chart.match(/<rect /g)).toHaveLength(4 + 2);
    expect(chart).toContain('>1.50</text>');
  });
});
