import type { Finding } from '../base/finding.ts';
import type { RowResult, RowState } from './row.ts';
import { formatPlace, type Summary } from './summarize.ts';

/** How doctor writes: plain, or with the colours of a terminal. */
export interface Paint {
  strong(text: string): string;
  faint(text: string): string;
  good(text: string): string;
  bad(text: string): string;
}

const MARKS: Readonly<Record<RowState, string>> = {
  fine: '✓',
  info: 'i',
  warning: '!',
  error: '✗',
  'not-checked': '-',
};

/** One row, with what was seen and what is to be done. */
export function renderRow({ state, title, seen, findings }: RowResult, paint: Paint): string {
  const head = `  ${colour(state, paint)(MARKS[state])} ${title}\n`;
  return `${head}${paint.faint(`      ${seen}`)}\n${findings.map((one) => renderFinding(one, paint)).join('')}`;
}

function renderFinding({ id, severity, what, fix, lines = [], place }: Finding, paint: Paint): string {
  const where = place === undefined ? '' : paint.faint(` (${formatPlace(place)})`);
  const text = [
    `      ${colour(severity, paint)(severity)}: ${what}${where}`,
    `        ${fix} ${paint.faint(`[${id}]`)}`,
    ...lines.map((line) => paint.strong(`          ${line}`)),
  ];
  return `${text.join('\n')}\n`;
}

/** The first line says what is wrong, the last one what to do next; the rows stand between them. */
export function renderHuman(results: readonly RowResult[], summary: Summary, paint: Paint): string {
  const { first, last } = renderSummary(summary, paint);
  return `${first}\n\n${results.map((result) => renderRow(result, paint)).join('')}\n${last}\n`;
}

function renderSummary(summary: Summary, paint: Paint): { readonly first: string; readonly last: string } {
  const first = summary.ok ? paint.good(summary.first) : paint.bad(summary.first);
  return { first, last: paint.strong(summary.last) };
}

function colour(state: RowState, paint: Paint): (text: string) => string {
  if (state === 'fine') return paint.good;
  if (state === 'not-checked') return paint.faint;
  return state === 'info' ? paint.strong : paint.bad;
}
