import { describeInstant, describeSpan } from './describe-time.ts';
import type { NextAttempt } from './ledger.ts';
import type { ProblemDocument } from './problem.ts';
import { judgeProblem, readRetryDate } from './problem-kind.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Milliseconds to wait after the first, second, ... failure in a row; the last for all further ones. */
export const RETRY_CURVE: readonly number[] = Object.freeze([
  1 * MINUTE,
  2 * MINUTE,
  5 * MINUTE,
  10 * MINUTE,
  20 * MINUTE,
  30 * MINUTE,
  1 * HOUR,
  2 * HOUR,
  3 * HOUR,
  6 * HOUR,
]);
/** Steps of the curve that are taken while the CA itself is out of order: it should not take hours to see it back. */
const FAST_STEPS = 6;
/** A wait is made up to this part shorter or longer, so that many sidecars do not come at once. */
const JITTER = 0.15;
/** For problems that need a change, and for a CA that limits the rate without saying for how long. */
const SLOW = 6 * HOUR;
const UNTIL_UNPAUSED = DAY;
/** A wait is at most this part of the time that is left of the certificate in use... */
const PART_OF_THE_REST = 1 / 8;
/** ...but with its jitter never so short that failed validations come more often than five times an hour. */
const SHORTEST_NEAR_EXPIRY = 15 * MINUTE;
/** No CA's word keeps us away longer; their own longest limit is a week. */
export const LONGEST_WAIT = 30 * DAY;
/** A CA that takes itself for well again and names an instant in the past is given this long. */
const SHORTEST_WAIT = 30_000;

/** What the next attempt depends on. */
export interface AttemptFacts {
  /** Attempts that failed in this way, the last one included; from 1. */
  readonly failures: number;
  /** What the CA said; undefined where the attempt ended without a word (the process was killed, say). */
  readonly problem: ProblemDocument | undefined;
  /** Seconds, from the CA's Retry-After. */
  readonly retryAfter?: number | undefined;
  /** When the certificate in use ends; undefined where there is none. Milliseconds since the epoch. */
  readonly expires?: number | undefined;
}

/**
 * Milliseconds that a wait of our own may last: the nearer the end of the certificate in use, before it or after, the
 * shorter. Whoever mends what was wrong in its last hours should not see it lapse while the curve is waited out; and some
 * sixty attempts more in all are far from the number at which a CA pauses a name.
 */
export function longestWait(expires: number | undefined, now: number): number {
  if (expires === undefined) return Number.POSITIVE_INFINITY;
  return Math.max(SHORTEST_NEAR_EXPIRY, Math.abs(expires - now) * PART_OF_THE_REST);
}

/** When to try again after a failure: always later than now, at most 30 days later. `random` gives 0 to 1. */
export function decideNextAttempt(facts: AttemptFacts, now: number, random: () => number): NextAttempt {
  const { problem, retryAfter } = facts;
  const kind = problem === undefined ? undefined : judgeProblem(problem);
  const asked = readAskedWait(problem, retryAfter, now);
  const next = (wait: number, why: (span: string) => string): NextAttempt => {
    const bounded = Math.round(Math.min(Math.max(wait, asked ?? 0, SHORTEST_WAIT), LONGEST_WAIT));
    return { at: now + bounded, why: why(describeSpan(bounded)) };
  };
  const jittered = (wait: number) => wait * (1 + JITTER * (2 * random() - 1));
  /** For what may pass by itself, or by somebody's hand: not for what the CA itself limits. */
  const patient = (wait: number) => jittered(Math.min(wait, longestWait(facts.expires, now)));
  const words = problem === undefined ? '' : `${problem.type}: ${shorten(problem.detail)}`;
  switch (kind?.kind) {
    case 'paused':
      return next(
        UNTIL_UNPAUSED,
        (span) => `The CA has paused these names (${words}). ${kind.advice} It is asked again after ${span}.`,
      );
    case 'rate-limited': {
      // A little later than asked for, never earlier.
      if (asked === undefined)
        return next(
          jittered(Math.max(HOUR, stepOf(facts.failures, RETRY_CURVE.length))),
          (span) => `A limit of the CA's is reached (${words}); next attempt after ${span}.`,
        );
      const wait = asked + random() * MINUTE;
      return next(
        wait,
        () =>
          `A limit of the CA's is reached (${words}); the CA named ${describeInstant(now + Math.min(asked, LONGEST_WAIT))}.`,
      );
    }
    case 'needs-change':
      return next(
        patient(SLOW),
        (span) => `This does not pass by itself (${words}). ${kind.advice} Next attempt after ${span}.`,
      );
    case 'ca-trouble':
      return next(patient(stepOf(facts.failures, FAST_STEPS)), (span) =>
        kind.advice === undefined
          ? `The CA is out of order or out of reach (${words}); next attempt after ${span}.`
          : `There is no CA where the configuration has one (${words}). ${kind.advice} Next attempt after ${span}.`,
      );
    case 'validation':
      return next(
        patient(stepOf(facts.failures, RETRY_CURVE.length)),
        (span) => `The CA could not validate it (${words}). ${kind.advice} Next attempt after ${span}.`,
      );
    case 'local':
      return next(
        patient(stepOf(facts.failures, RETRY_CURVE.length)),
        (span) => `It failed here, before the CA looked at anything (${words}); next attempt after ${span}.`,
      );
    case undefined:
      return next(
        patient(stepOf(facts.failures, RETRY_CURVE.length)),
        (span) => `An attempt was begun and how it ended is not known; next attempt after ${span}.`,
      );
  }
}

function stepOf(failures: number, steps: number): number {
  const index = Math.min(Math.max(Math.floor(failures) || 1, 1), steps) - 1;
  return RETRY_CURVE[index]!;
}

/** Milliseconds from now until the instant that the CA named, by header or in its words. */
function readAskedWait(problem: ProblemDocument | undefined, retryAfter: number | undefined, now: number) {
  if (retryAfter !== undefined && Number.isFinite(retryAfter)) return Math.max(0, retryAfter * 1_000);
  const date = problem === undefined ? undefined : readRetryDate(problem.detail);
  return date === undefined ? undefined : Math.max(0, date - now);
}

function shorten(detail: string): string {
  return detail.length <= 200 ? detail : `${detail.slice(0, 199)}…`;
}
