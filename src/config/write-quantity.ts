const SIZES = [
  ['GiB', 1024 ** 3],
  ['MiB', 1024 ** 2],
  ['KiB', 1024],
] as const;
const DURATIONS = [
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const;

/** Bytes as `parseSize` reads them back exactly: `12.5MiB`, `1GiB`, `100B`. */
export function writeSize(bytes: number): string {
  return writeIn(SIZES, bytes) ?? `${bytes}B`;
}

/** Milliseconds as `parseDuration` reads them back exactly: `75s`, `2m`, `1500ms`. */
export function writeDuration(ms: number): string {
  return writeIn(DURATIONS, ms) ?? `${ms}ms`;
}

/** In the largest unit that needs no more than one digit after the point and is exact. */
function writeIn(units: readonly (readonly [string, number])[], amount: number): string | undefined {
  const unit = units.find(([, one]) => amount >= one && Number.isInteger((amount / one) * 10));
  return unit === undefined ? undefined : `${amount / unit[1]}${unit[0]}`;
}
