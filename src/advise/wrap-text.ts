/** What fits on a page beside other windows. */
export const WIDTH = 100;

/**
 * Breaks a paragraph into lines of at most `width` characters, each after the first with `indent` before it. Words that
 * are longer than a line stay whole: they are addresses, to be copied.
 */
export function wrapText(text: string, indent = '', width = WIDTH): string {
  const [first = '', ...words] = text.split(/(?<=\S) /);
  const lines = [first];
  for (const word of words) {
    const line = lines.at(-1)!;
    if (line.length + 1 + word.length > width) lines.push(indent + word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines.join('\n');
}
