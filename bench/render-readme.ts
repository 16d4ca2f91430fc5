import { BenchError } from './bench-error.ts';
import { PEERS, TITLES } from './peers/peer.ts';
import type { BenchResult, RowResult } from './result.ts';
import { summarize } from './summary.ts';
import { judgeRow, ratioTo } from './targets.ts';
import { MEANINGS, writeFigure } from './write-figures.ts';

export const BEGIN = '<!-- bench:begin -->';
export const END = '<!-- bench:end -->';

/** Puts the table and the chart between the marks of the text; what was there goes. */
export function replaceBetweenMarks(text: string, table: string): string {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END, begin);
  if (begin === -1 || end === -1) {
    throw new BenchError(`README.md has no ${BEGIN} with ${END} after it: write both on lines of their own.`);
  }
  return `${text.slice(0, begin + BEGIN.length)}\n${table}${text.slice(end)}`;
}

/** The table of README.md: figures of all, and in brackets how many times the peer's figure the sidecar's is. */
export function renderReadme(result: BenchResult): string {
  const head = ['', TITLES.sidecar, ...PEERS.map((peer) => TITLES[peer]), 'target'];
  const lines = [head, head.map(() => '---'), ...result.rows.map(lineOf)];
  const { processor, processors } = result.machine;
  const versions = Object.entries(result.versions).map(([name, version]) => `${name} ${version}`);
  return [
    '',
    ...lines.map((line) => `| ${line.join(' | ')} |`),
    '',
    `![CPU time per request, to nginx](docs/bench.svg)`,
    '',
    `Measured on ${result.date.slice(0, 10)}: ${versions.join(', ')}; ${processors} × ${processor}, one for the proxy; medians of ${result.rounds} rounds.`,
    'In brackets: how many times the other’s figure ours is.',
    '',
  ].join('\n');
}

function lineOf(row: RowResult): string[] {
  const figure = (name: 'sidecar' | (typeof PEERS)[number]): string => {
    const cell = summarize(row, name);
    return cell === undefined ? '–' : writeFigure(cell.figure, row.unit);
  };
  const peers = PEERS.map((peer) => {
    const ratio = row.unit === 'times' ? undefined : ratioTo(row, peer);
    return ratio === undefined ? figure(peer) : `${figure(peer)} (${ratio.toFixed(2)} ×)`;
  });
  return [`${row.title}: ${MEANINGS[row.unit]}`, figure('sidecar'), ...peers, targetOf(row)];
}

function targetOf(row: RowResult): string {
  const verdicts = judgeRow(row).map(({ peer, relation, limit, met }) => {
    const than = peer === undefined ? writeFigure(limit, row.unit) : `${limit} × ${TITLES[peer]}`;
    return `${met ? '✓' : '✗'} ${relation} ${than}`;
  });
  return verdicts.length === 0 ? '' : verdicts.join(', ');
}
