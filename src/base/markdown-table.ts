/** A table in Markdown. Columns are padded to their widest cell, as the formatter wants them. */
export function renderMarkdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |\n`;
  const [first = [], ...others] = cells;
  return line(first) + line(widths.map((width) => '-'.repeat(width))) + others.map(line).join('');
}
