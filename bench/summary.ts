import { CONTENDERS, type ContenderName } from './peers/peer.ts';
import type { Cell, RowResult } from './result.ts';
import { median } from './statistics.ts';

/** Who took part in a row and has a figure, in the order of tables. */
export function contendersOf(row: RowResult): ContenderName[] {
  return CONTENDERS.filter((name) => cellsOf(row, name).length > 0);
}

/** The medians of what a contender reached, each column for itself. Undefined where it has nothing. */
export function summarize(row: RowResult, name: ContenderName): Cell | undefined {
  const cells = cellsOf(row, name);
  if (cells.length === 0) return undefined;
  const column = (key: keyof Cell) => cells.map((cell) => cell[key]).filter((value) => value !== undefined);
  const more = (['perSecond', 'p50', 'p99', 'busy'] as const)
    .filter((key) => column(key).length > 0)
    .map((key) => [key, median(column(key))]);
  return { figure: median(column('figure')), ...Object.fromEntries(more) };
}

function cellsOf(row: RowResult, name: ContenderName): Cell[] {
  return (row.cells[name] ?? []).filter((cell) => cell !== null);
}
