import { TITLES } from './peers/peer.ts';
import type { BenchResult, RowResult } from './result.ts';
import { contendersOf, summarize } from './summary.ts';
import { judgeRow, ratioTo, type Verdict } from './targets.ts';
import { MEANINGS, writeFigure, writeNumber } from './write-figures.ts';

const HEAD = ['', 'figure', 'per s', 'p50', 'p99', 'busy', 'sidecar is', 'target'];

/** The table for a terminal: a line for each row, and below it one for each contender. */
export function renderTable(result: BenchResult): string {
  const blocks = result.rows.map((row) => ({
    title: `${row.name}: ${row.title} (${MEANINGS[row.unit]})`,
    lines: linesOf(row),
  }));
  const all = [HEAD, ...blocks.flatMap((block) => block.lines)];
  const widths = HEAD.map((_, column) => Math.max(...all.map((line) => line[column]!.length)));
  const align = (line: readonly string[]): string =>
    `  ${line.map((cell, column) => (column === 0 || column === 7 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join('  ')}`.trimEnd();
  return [align(HEAD), ...blocks.flatMap(({ title, lines }) => ['', title, ...lines.map(align)]), ''].join('\n');
}

/** How many targets are met, and which are not. */
export function renderVerdict(result: BenchResult): string {
  const all = result.rows.flatMap((row) => judgeRow(row).map((verdict) => ({ row, verdict })));
  const missed = all.filter(({ verdict }) => !verdict.met);
  const lines = missed.map(({ row, verdict }) => `  missed ${row.name}: ${describeVerdict(row, verdict)}`);
  return [`${all.length - missed.length} of ${all.length} targets met.`, ...lines, ''].join('\n');
}

/** `2.01 × nginx, target ≤ 1.3`, or for a figure of its own `61.2 kB, target ≤ 45.0 kB`. */
export function describeVerdict(row: RowResult, { peer, relation, limit, reached }: Verdict): string {
  if (peer !== undefined) return `${reached.toFixed(2)} × ${TITLES[peer]}, target ${relation} ${limit}`;
  return `${writeFigure(reached, row.unit)}, target ${relation} ${writeFigure(limit, row.unit)}`;
}

function linesOf(row: RowResult): string[][] {
  const verdicts = judgeRow(row);
  return contendersOf(row).map((name) => {
    const { figure, perSecond, p50, p99, busy } = summarize(row, name)!;
    // A ratio already compares: there is no sense in one of two.
    const compared = name !== 'sidecar' && row.unit !== 'times' && row.unit !== 'speed-up';
    const ratio = compared ? ratioTo(row, name) : undefined;
    const own = verdicts.filter(({ peer }) => (peer ?? 'sidecar') === name);
    return [
      TITLES[name],
      writeFigure(figure, row.unit),
      perSecond === undefined ? '' : writeNumber(perSecond),
      p50 === undefined ? '' : `${p50.toFixed(2)} ms`,
      p99 === undefined ? '' : `${p99.toFixed(2)} ms`,
      busy === undefined ? '' : `${Math.round(busy * 100)} %`,
      ratio === undefined ? '' : `${ratio.toFixed(2)} ×`,
      own.map((verdict) => `${verdict.met ? 'met' : 'MISSED'} ${verdict.relation} ${limitOf(row, verdict)}`).join(', '),
    ];
  });
}

function limitOf(row: RowResult, { peer, limit }: Verdict): string {
  return peer === undefined ? writeFigure(limit, row.unit) : String(limit);
}
