/** What is known when a process has ended that was to go on. */
export interface EndingFacts {
  /** Milliseconds that it lived. */
  readonly lived: number;
  /** How many before it ended as well, none of which lived for a minute. */
  readonly failures: number;
}

export interface RestartDecision {
  /** Milliseconds until another one is started. */
  readonly wait: number;
  /** For the next decision. */
  readonly failures: number;
  /** How it goes on, the end of a sentence. */
  readonly why: string;
}

/** Milliseconds after which a process counts as a good one. */
const STEADY = 60_000;
const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 60_000;

/**
 * When a process that ended is replaced: the first at once, since the others have to do its work; from then on after one
 * second, two, four, and so on up to a minute, until one has lived for a minute. Pure.
 */
export function decideRestart({ lived, failures }: EndingFacts): RestartDecision {
  const before = lived >= STEADY ? 0 : failures;
  if (before === 0) return { wait: 0, failures: 1, why: 'another one takes its place now' };
  const wait = Math.min(FIRST_WAIT * 2 ** (before - 1), LONGEST_WAIT);
  const times = `${before + 1} in a row`;
  return { wait, failures: before + 1, why: `another one takes its place in ${wait / 1000} s, since it was ${times}` };
}
