const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
] as const;

/** Milliseconds as a person says them, in the largest unit that gives at least two, or one: `45 days`, `90 minutes`. */
export function describeSpan(ms: number): string {
  const length = Math.abs(ms);
  const [unit, size] = UNITS.find(([, size]) => length >= 2 * size || length === size) ?? UNITS[3];
  const count = Math.round(length / size);
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

/** An instant (milliseconds since the epoch) for a message: `2026-11-23 14:05 UTC`. */
export function describeInstant(at: number): string {
  // Outside what a Date can hold toISOString throws, and no message is worth that.
  if (!(Math.abs(at) <= 8.64e15)) return 'an instant out of range';
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
