/** What a stranger wrote, safe in one line of ours: shortened, in quotes, without control characters. */
export function quote(text: string, most = 80): string {
  const short = text.length > most ? `${text.slice(0, most)}…` : text;
  return tameLine(JSON.stringify(short.toWellFormed()));
}

/** A line of ours that may have something of a stranger's in it, without what terminals and browsers obey. */
export function tameLine(line: string): string {
  // Control characters, those that turn the direction of text, and the two that end a line.
  return line.replace(/[\p{Cc}\p{Bidi_C}\p{Zl}\p{Zp}]/gu, '?');
}

/** `2027-01-31 14:05 UTC`; impossible times are said to be so. */
export function formatTime(time: number): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return `an impossible time (${time})`;
  return `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** `3 hours`, `12 days`: for how long ago or in how long; milliseconds. */
export function formatDuration(ms: number): string {
  const seconds = Math.round(Math.abs(ms) / 1000);
  const [count, unit] =
    seconds < 120
      ? [seconds, 'second']
      : seconds < 7_200
        ? [Math.round(seconds / 60), 'minute']
        : seconds < 172_800
          ? [Math.round(seconds / 3_600), 'hour']
          : [Math.round(seconds / 86_400), 'day'];
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
