/**
 * How one instance of an upstream is doing, and what follows from what happens to it. Pure: a value and functions that
 * give the next one. Whoever chooses among instances, by load or by a key, asks these.
 */
export interface Health {
  /** `ejected`: it gets no requests until it has answered a question about its health. */
  readonly state: 'here' | 'ejected';
  /** `System.monotonic` of when that began. */
  readonly since: number;
  /** It came later than the others, or came back: its share grows from `since` on. */
  readonly late: boolean;
  /** Why it is ejected; undefined while it is here. */
  readonly why: string | undefined;
  /** Signs of trouble since its last good answer, weighed; at `OUT` it is ejected. */
  readonly strikes: number;
  /** How many times in a row it was ejected soon after it had come back. */
  readonly relapses: number;
}

/**
 * What can happen to a request, or to a question about health. `unreachable`: no connection; nothing was sent. `unwell`: it
 * says itself that it cannot serve, or somebody does in its place. `lost`: the connection died before an answer. `silent`:
 * no answer to a question in time. `other` says nothing about it.
 */
export interface Trouble {
  readonly kind: 'unreachable' | 'unwell' | 'lost' | 'silent' | 'other';
  /** A sentence for the log. */
  readonly why: string;
}

/** Three lost connections in a row, or two unanswered questions: one may be a stumble. */
const STRIKES: Readonly<Record<Trouble['kind'], number>> = { unreachable: 6, unwell: 6, silent: 3, lost: 2, other: 0 };
const OUT = 6;

/** Milliseconds over which the share of one that came back grows, so that cold caches are not flattened. */
export const WARM_UP = 10_000;
const FIRST_SHARE = 0.1;

/** Milliseconds between questions to one that is here, and to one that is not or is in doubt. */
const ASK_HERE = 5_000;
const ASK_SOON = 1_000;
/** One that comes and goes is asked less and less often. */
const ASK_SELDOM = 30_000;
/** Ejected within this time after it came back: it comes and goes. */
const RELAPSE = 30_000;

/** One that has just become known; `late` when others were known before it. */
export function createHealth(now: number, late: boolean): Health {
  return { state: 'here', since: now, late, why: undefined, strikes: 0, relapses: 0 };
}

/** After trouble. `last`: no other instance is here. One that is only slow is then better than none. */
export function afterTrouble(health: Health, trouble: Trouble, now: number, last: boolean): Health {
  if (health.state === 'ejected' || trouble.kind === 'other') return health;
  const strikes = Math.min(health.strikes + STRIKES[trouble.kind], OUT);
  if (strikes < OUT || (last && trouble.kind === 'silent')) return { ...health, strikes };
  const relapsed = health.late && now - health.since < RELAPSE;
  const relapses = relapsed ? health.relapses + 1 : 0;
  return { state: 'ejected', since: now, late: health.late, why: trouble.why, strikes: 0, relapses };
}

/** After a good answer to a question about its health. */
export function afterGoodAnswer(health: Health, now: number): Health {
  if (health.state === 'ejected') return { ...createHealth(now, true), relapses: health.relapses };
  return health.strikes === 0 ? health : { ...health, strikes: 0 };
}

/** From 0 (ejected) to 1: how much it may be given, measured by what the others have. */
export function shareOf(health: Health, now: number): number {
  if (health.state === 'ejected') return 0;
  if (!health.late) return 1;
  return Math.min(FIRST_SHARE + ((1 - FIRST_SHARE) * (now - health.since)) / WARM_UP, 1);
}

/** In one word. */
export function nameState(health: Health, now: number): 'here' | 'warming' | 'ejected' {
  if (health.state === 'ejected') return 'ejected';
  return shareOf(health, now) < 1 ? 'warming' : 'here';
}

/** Milliseconds until it is to be asked how it is. */
export function nextQuestion(health: Health): number {
  if (health.state === 'ejected') return Math.min(ASK_SOON * 2 ** health.relapses, ASK_SELDOM);
  return health.strikes > 0 ? ASK_SOON : ASK_HERE;
}
