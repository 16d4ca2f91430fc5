import type { RowResult } from './row.ts';
import { formatPlace, type Summary } from './summarize.ts';

/** For machines. Names are snake_case like those of the other JSON documents of the sidecar. */
export function renderJson(results: readonly RowResult[], { ok, first, last, count }: Summary): string {
  const rows = results.map(({ id, title, state, seen, findings, took }) => ({
    id,
    title,
    state,
    seen,
    took_ms: took,
    findings: findings.map(({ id: finding, severity, what, fix, lines, place }) => ({
      id: finding,
      severity,
      what,
      fix,
      lines: lines ?? [],
      file: place?.file ?? null,
      line: place?.line ?? null,
    })),
  }));
  const document = { ok, summary: first, next: last, count: { ...count, not_checked: count['not-checked'] }, rows };
  return `${JSON.stringify(document, (key, value: unknown) => (key === 'not-checked' ? undefined : value), 2)}\n`;
}

/** The Test Anything Protocol, version 14, as that of `check`: a row with errors or warnings is `not ok`. */
export function renderTap(results: readonly RowResult[]): string {
  const lines = results.flatMap((result, index) => {
    const { state, title, seen, findings } = result;
    const ok = state !== 'error' && state !== 'warning';
    const skip = state === 'not-checked' ? ` # SKIP ${flat(seen)}` : '';
    const head = `${ok ? 'ok' : 'not ok'} ${index + 1} - ${flat(title)}${skip}`;
    return [head, ...diagnose(findings)];
  });
  return `${['TAP version 14', `1..${results.length}`, ...lines].join('\n')}\n`;
}

function diagnose(findings: RowResult['findings']): string[] {
  return findings.flatMap(({ id, severity, what, fix, lines = [], place }) => [
    `# ${severity} ${id}${place === undefined ? '' : ` at ${flat(formatPlace(place))}`}: ${flat(what)}`,
    `# ${flat(fix)}`,
    ...lines.map((line) => `#   ${line}`),
  ]);
}

/** `#` begins a directive, and a line end another test. */
function flat(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll('#', '\\#');
}
