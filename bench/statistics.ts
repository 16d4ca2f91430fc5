/** The middle value; the mean of the two in the middle where their number is even. NaN of no values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  if (sorted.length % 2 === 1) return sorted[middle]!;
  return sorted.length === 0 ? Number.NaN : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The smallest value that at least this share (0 to 1) of the values does not exceed (nearest rank). NaN of no values. */
export function quantile(values: Float64Array | readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  const rank = Math.max(1, Math.ceil(share * sorted.length));
  return sorted[rank - 1] ?? Number.NaN;
}

/**
 * How many times as much ours is as theirs: the median over the rounds of the ratio within the round, so that what
 * slows a whole round down cancels out. Undefined where no round has both.
 */
export function ratioOfRounds(
  ours: readonly (number | undefined)[],
  theirs: readonly (number | undefined)[],
): number | undefined {
  const ratios = ours.flatMap((figure, round) => {
    const other = theirs[round];
    return figure === undefined || other === undefined || other === 0 ? [] : [figure / other];
  });
  return ratios.length === 0 ? undefined : median(ratios);
}

/** The order of turns in a round: there and back again, so that nobody always comes after the same one. */
export function orderOfRound<T>(all: readonly T[], round: number): readonly T[] {
  return round % 2 === 0 ? all : all.toReversed();
}
