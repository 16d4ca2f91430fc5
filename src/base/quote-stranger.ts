/** What a stranger wrote, for one line of ours: printable ASCII, at most `most` characters. */
export function quoteStranger(text: string, most = 60): string {
  return text.slice(0, most).replaceAll(/[^\x20-\x7e]/g, '?');
}
