/** The cells of one line of a table. */
export type Row = readonly string[];

const GAP = 2;
/** Characters that the last column has at least; where there are fewer, rows are lines of text. */
const LEAST = 24;

/**
 * Rows with their columns below each other, numbers to the right, one text for each row. What of the last column is too long
 * goes on below it. Pure.
 */
export function layOut(rows: readonly Row[], width: number): readonly string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const cells = Array.from({ length: columns }, (_, at) => rows.map((row) => row[at] ?? ''));
  const widths = cells.map((column) => Math.max(...column.map((cell) => cell.length)));
  const isNumber = cells.map((column) => column.every((cell) => /^[\d,]*$/.test(cell)));
  const last = columns - 1;
  const before = widths.slice(0, last).reduce((sum, one) => sum + one + GAP, INDENT.length);
  const isTooWide = before + Math.min(LEAST, widths[last] ?? 0) > width;
  return rows.map((row) => {
    if (isTooWide) return wrap(INDENT + row.join('  '), width, 6);
    const line = row.map((cell, at) => {
      if (isNumber[at]) return cell.padStart(widths[at]!);
      return at === last ? cell : cell.padEnd(widths[at]!);
    });
    return wrapAfter(INDENT + line.join(' '.repeat(GAP)), width, before).trimEnd();
  });
}

const INDENT = '  ';

/** The first `kept` characters stay as they are. */
function wrapAfter(text: string, width: number, kept: number): string {
  return text.slice(0, kept) + wrap(text.slice(kept), width - kept).replaceAll('\n', `\n${' '.repeat(kept)}`);
}

/** A line within the width; what follows the first is `inner` characters further in. What has no space in it stays whole. Pure. */
export function wrap(text: string, width: number, inner = 0): string {
  const [, lead = '', rest = ''] = /^( *)(.*)$/s.exec(text) ?? [];
  const lines: string[] = [];
  let line = lead;
  for (const word of rest.split(' ')) {
    const empty = line.trim() === '';
    if (!empty && line.length + 1 + word.length > width) {
      lines.push(line);
      line = ' '.repeat(inner) + word;
    } else line = empty ? line + word : `${line} ${word}`;
  }
  return [...lines, line].map((one) => one.trimEnd()).join('\n');
}
