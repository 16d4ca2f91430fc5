import type { System } from '../base/system.ts';
import { pause } from './pause.ts';
import { AcmeProblem } from './problem.ts';
import { isTransient } from './read-problem.ts';

/** Milliseconds. A CA that wants more for one step of an order is not waited for; the order is given up. */
const LONGEST_PAUSE = 120_000;
const SHORTEST_PAUSE = 1_000;
/** Milliseconds without Retry-After: 1, 2, 4, 8, 10, 10 s. */
const LONGEST_BACKOFF = 10_000;
const MAX_FAILURES = 5;
/** Milliseconds that one step of an order may take at the CA. */
const LONGEST_STEP = 600_000;

/**
 * Repeats what may be repeated while the CA is away, busy or ill: five tries, with the CA's Retry-After between them, or a
 * backoff of its own. Rejects with the last failure, at once when it would pass by itself only later than in two minutes.
 */
export async function retryTransient<T>(work: () => Promise<T>, system: System, signal: AbortSignal): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await work();
    } catch (error) {
      if (failures >= MAX_FAILURES || !isTransient(error) || !isSoon(error.retryAfter)) throw error;
      await pause(system, chooseDelay(error.retryAfter, failures), signal);
    }
  }
}

/**
 * Reads until `settled`, as often as the CA's Retry-After says (two minutes at most), or with a growing pause. `first` is
 * what is known already, or undefined. Rejects with an AcmeProblem of type `stuck` after ten minutes: `what` is not done.
 */
export async function pollUntil<T extends { readonly retryAfter: number | undefined }>(
  poll: {
    readonly first: T | undefined;
    readonly read: () => Promise<T>;
    readonly settled: (value: T) => boolean;
    /** As in `The CA at HOST is not done with WHAT`. */
    readonly what: string;
  },
  system: System,
  signal: AbortSignal,
): Promise<T> {
  const began = system.monotonic();
  let value = poll.first ?? (await retryTransient(poll.read, system, signal));
  for (let reads = 1; !poll.settled(value); reads++) {
    const delay = chooseDelay(value.retryAfter, reads);
    if (system.monotonic() - began + delay > LONGEST_STEP) {
      const detail = `no result after ${LONGEST_STEP / 60_000} minutes`;
      throw new AcmeProblem(
        { type: 'stuck', detail, status: 200, subproblems: [] },
        `The CA is not done with ${poll.what}`,
      );
    }
    await pause(system, delay, signal);
    value = await retryTransient(poll.read, system, signal);
  }
  return value;
}

/** Milliseconds. `retryAfter` in seconds; `round` counts from 1. */
export function chooseDelay(retryAfter: number | undefined, round: number): number {
  if (retryAfter === undefined) return Math.min(SHORTEST_PAUSE * 2 ** (round - 1), LONGEST_BACKOFF);
  return Math.min(Math.max(retryAfter * 1_000, SHORTEST_PAUSE), LONGEST_PAUSE);
}

/** Whether a Retry-After (seconds) is short enough to be waited for in the middle of an order. */
export function isSoon(retryAfter: number | undefined): boolean {
  return retryAfter === undefined || retryAfter * 1_000 <= LONGEST_PAUSE;
}
