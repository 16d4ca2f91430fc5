import type { Vanishing } from './act.ts';

/** Milliseconds by which two processes may see the same moment at different times. */
const SLACK = 50;

/** A request that was lost so many times without being read, if what it was told is right. */
export interface Missing {
  /** Its life, milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
  readonly count: number;
}

/**
 * Which of these requests cannot have been lost so often: each loss needs a moment of its own in the request's life in which
 * the homeserver lost what it had not read. Pure; the earliest end first, which finds moments for all if there are enough.
 */
export function matchUnread<M extends Missing>(missing: readonly M[], vanished: readonly Vanishing[]): readonly M[] {
  const left = vanished.map(({ at, most }) => ({ at, most })).sort((a, b) => a.at - b.at);
  const unmatched: M[] = [];
  for (const one of [...missing].sort((a, b) => a.to - b.to)) {
    for (let found = 0; found < one.count; found++) {
      const moment = left.find(({ at, most }) => most > 0 && at > one.from - SLACK && at < one.to + SLACK);
      if (moment === undefined) {
        unmatched.push(one);
        break;
      }
      moment.most--;
    }
  }
  return unmatched;
}
