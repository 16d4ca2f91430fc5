/** What of an instance decides whether it gets the next request. */
export interface Candidate {
  /** Requests that it has now. */
  readonly inFlight: number;
}

/**
 * The least busy of several, by requests in flight over the share that `shareOf` allows; any of those that are equal. A
 * share of 0 excludes. Undefined where all are excluded. `random` gives a number from 0 to 1, 1 excluded. Pure but for it.
 */
export function chooseLeastBusy<C extends Candidate>(
  candidates: readonly C[],
  shareOf: (candidate: C) => number,
  random: () => number,
): C | undefined {
  let best: C | undefined;
  let least = Number.POSITIVE_INFINITY;
  let equals = 0;
  for (const candidate of candidates) {
    const share = shareOf(candidate);
    if (share === 0) continue;
    const load = candidate.inFlight / share;
    if (load > least) continue;
    equals = load < least ? 1 : equals + 1;
    least = load;
    // The nth of equals takes the place of the one before it in one of n cases: each is as likely in the end.
    if (equals === 1 || random() * equals < 1) best = candidate;
  }
  return best;
}
