import {
  type Block,
  type ChallengeRecord,
  emptyLedger,
  type Ledger,
  type LedgerOrder,
  pruneLedger,
  type Tries,
} from './ledger.ts';
import { viewTries, viewUnresolved } from './ledger-views.ts';
import type { ProblemDocument } from './problem.ts';
import { judgeProblem, listFailedNames } from './problem-kind.ts';
import { decideNextAttempt, LONGEST_WAIT } from './retry.ts';
import type { ChallengeType } from './solver.ts';

const DAY = 86_400_000;
const LONGEST_DETAIL = 500;

/** When the certificate in use ends, milliseconds since the epoch; near that, waits are shorter (`longestWait`). */
interface Expiry {
  readonly expires?: number | undefined;
}

/** Which order: the CA as in the store's keys, the account's URL, the set's id and names. */
export interface OrderKey {
  readonly ca: string;
  readonly account: string;
  readonly set: string;
  readonly names: readonly string[];
}

/** An attempt that failed. */
export interface Failure extends OrderKey, Expiry {
  /** The order's number in the ledger; undefined where it failed before there was an order. */
  readonly order: number | undefined;
  readonly problem: ProblemDocument;
  /** Seconds, from Retry-After. */
  readonly retryAfter?: number | undefined;
  /** The order was finalised, so that a certificate may have come of it where the CA did not say that none did. */
  readonly finalised?: boolean;
  /** The challenges that were tried, for the names that failed. */
  readonly challenges?: readonly TriedChallenge[];
}

export interface TriedChallenge {
  readonly name: string;
  readonly type: ChallengeType;
}

/**
 * To be stored before the CA hears of an order. Until it is known how the order ended it counts as a failure, with its
 * wait: whoever is killed in the middle, again and again, still asks no more often than the curve allows. `continues`
 * where it belongs to the same attempt as the order before it (another challenge is tried), which counts once.
 */
export function recordOrder(
  ledger: Ledger,
  order: OrderKey & Expiry & { readonly replaces?: string | undefined; readonly continues?: boolean },
  now: number,
  random: () => number,
): { ledger: Ledger; id: number } {
  const { ca, account, set, names, replaces } = order;
  const id = ledger.nextOrder;
  const entry: LedgerOrder = {
    ...{ id, ca, account, set, names, at: now, outcome: 'unresolved', failedNames: [] },
    ...(replaces === undefined ? {} : { replaces }),
  };
  const tries = countAttempt(ledger, order, order.continues === true ? 0 : 1, now, random);
  return { id, ledger: pruneLedger({ ...ledger, nextOrder: id + 1, orders: [...ledger.orders, entry], tries }, now) };
}

/**
 * To be stored before an order that an earlier keeper left is gone on with. It is an attempt like another: whoever is
 * killed in the middle of it, again and again, does not ask the CA more often than the curve allows.
 */
export function recordResumed(ledger: Ledger, order: OrderKey & Expiry, now: number, random: () => number): Ledger {
  return pruneLedger({ ...ledger, tries: countAttempt(ledger, order, 1, now, random) }, now);
}

function countAttempt(
  ledger: Ledger,
  { set, ca, expires }: OrderKey & Expiry,
  more: number,
  now: number,
  random: () => number,
): readonly Tries[] {
  const before = viewTries(ledger, set, ca);
  const [failures, unknown] = [Math.max(1, before.failures + more), Math.max(1, before.unknown + more)];
  const next = decideNextAttempt({ failures: unknown, problem: undefined, expires }, now, random);
  return putTries(ledger, { ...before, failures, unknown, since: before.since ?? now, lastAt: now, next });
}

/**
 * The URL that the CA gave to an order. To be stored before the order is finalised: no certificate can have come of an
 * unresolved order without a URL, and a successor relies on that.
 */
export function recordOrderUrl(ledger: Ledger, id: number, url: string): Ledger {
  return { ...ledger, orders: ledger.orders.map((order) => (order.id === id ? { ...order, url } : order)) };
}

/** An attempt of which a certificate came. */
export interface Success extends OrderKey {
  /** The order's number in the ledger. */
  readonly order: number;
  /** By which challenges the names were proved, where they were. */
  readonly challenges?: readonly TriedChallenge[];
}

/** A certificate came of it: failures of the set and its names are forgotten, here as at the CA. */
export function recordSuccess(ledger: Ledger, success: Success, now: number): Ledger {
  const { ca, account, set, names } = success;
  return pruneLedger(
    {
      ...ledger,
      orders: endOrder(ledger, success.order, { outcome: 'issued', endedAt: now, failedNames: [] }),
      tries: putTries(ledger, { ...viewTries(emptyLedger(), set, ca), lastAt: now, succeededAt: now }),
      names: ledger.names.filter((one) => one.ca !== ca || one.account !== account || !names.includes(one.name)),
      challenges: putChallenges(ledger, success.challenges ?? [], (one) => ({ ...one, workedAt: now })),
      blocks: ledger.blocks.filter((block) => !(block.paused && block.ca === ca && sharesName(block, names))),
    },
    now,
  );
}

/** It failed: counts it, keeps the CA's words, obeys its dates and decides when the next attempt may be. */
export function recordFailure(ledger: Ledger, failure: Failure, now: number, random: () => number): Ledger {
  const { ca, set, names, problem, retryAfter, order, expires } = failure;
  const before = viewTries(ledger, set, ca);
  const counted = order !== undefined && ledger.orders.some((one) => one.id === order && one.outcome === 'unresolved');
  const failures = Math.max(1, before.failures + (counted ? 0 : 1));
  const { kind, ofThisCa } = judgeProblem(problem);
  // Each way to fail has its own place on the curve: an outage must not make the first failed validation wait for hours.
  const ourFailures = before.ourFailures + (kind === 'ca-trouble' ? 0 : 1);
  const caFailures = ofThisCa ? before.caFailures + 1 : 0;
  const ofThisKind = kind === 'ca-trouble' ? caFailures : ourFailures;
  const next = decideNextAttempt({ failures: ofThisKind, problem, retryAfter, expires }, now, random);
  const failedNames = listFailedNames(problem, names);
  const detail = problem.detail.slice(0, LONGEST_DETAIL);
  const { caSince, ...rest } = before;
  const tries: Tries = {
    ...{ ...rest, failures, ourFailures, unknown: 0, since: before.since ?? now, lastAt: now, next },
    problem: { kind, type: problem.type, detail, status: problem.status },
    ...{ caFailures, ...(ofThisCa ? { caSince: caSince ?? now } : {}) },
  };
  const isOpen = order === undefined || (failure.finalised === true && kind === 'ca-trouble');
  let after: Ledger = {
    ...ledger,
    orders: isOpen ? ledger.orders : endOrder(ledger, order, { outcome: 'failed', endedAt: now, failedNames }),
    tries: putTries(ledger, tries),
    names: countFailedNames(ledger, failure, failedNames, now),
    challenges: putChallenges(ledger, failure.challenges ?? [], (one) => ({ ...one, failedAt: now })),
  };
  if (kind === 'paused') after = recordPaused(after, failure, next.why, now);
  if (kind === 'rate-limited') after = recordRateLimit(after, failure, next.at, now);
  return pruneLedger(after, now);
}

/**
 * An order of which no certificate came, and the attempt is not over: the CA saw the proof fail for `failedNames`, and
 * another challenge is tried in a new order; or nobody will finish it (it was never finalised, say), with none.
 */
export function recordAbandoned(ledger: Ledger, id: number, now: number, failedNames: readonly string[] = []): Ledger {
  const order = ledger.orders.find((one) => one.id === id);
  if (order === undefined) return ledger;
  return {
    ...ledger,
    orders: endOrder(ledger, id, { outcome: 'abandoned', endedAt: now, failedNames }),
    names: countFailedNames(ledger, order, failedNames, now),
  };
}

/** A certificate came of it, and it or its key is lost: it counts against the limits, and the set still has none. */
export function recordLost(ledger: Ledger, id: number, now: number): Ledger {
  return { ...ledger, orders: endOrder(ledger, id, { outcome: 'issued', endedAt: now, failedNames: [] }) };
}

/**
 * What a new keeper does first: orders that an earlier one left without a URL are given up. `ask` are those that the CA
 * has to be asked about, as soon as it can be reached; until then they count against every limit.
 */
export function recordTakeover(ledger: Ledger, now: number): { ledger: Ledger; ask: readonly LedgerOrder[] } {
  const left = viewUnresolved(ledger);
  const unknown = left.filter(({ url }) => url === undefined);
  const after = unknown.reduce((before, { id }) => recordAbandoned(before, id, now), ledger);
  return { ledger: after, ask: left.filter(({ url }) => url !== undefined) };
}

/** A limit of the CA's is reached: no orders of what its words are about before `until`, at most 30 days ahead. */
export function recordRateLimit(
  ledger: Ledger,
  limit: OrderKey & { readonly problem: ProblemDocument },
  until: number,
  now: number,
): Ledger {
  const { ca, account, set, problem } = limit;
  const { detail } = problem;
  const domain = /already issued for "([^"]{1,253})"/.exec(detail)?.[1];
  let scope: Partial<Block> = { account };
  if (domain !== undefined && !/exact set/i.test(detail)) scope = { domain };
  else if (/exact set|failed authorizations/i.test(detail)) scope = { set };
  const why = `the CA said: ${detail.slice(0, LONGEST_DETAIL)}`;
  return putBlock(ledger, { ca, ...scope, until: Math.round(Math.min(until, now + LONGEST_WAIT)), why, paused: false });
}

/** The CA has paused names: it is asked again once a day, or when the operator says so (`recordRequest`). */
export function recordPaused(ledger: Ledger, key: OrderKey, why: string, now: number): Ledger {
  const { ca, account, names } = key;
  return putBlock(ledger, { ca, account, names, until: now + DAY, why, paused: true });
}

function endOrder(ledger: Ledger, id: number, end: Pick<LedgerOrder, 'outcome' | 'failedNames'> & { endedAt: number }) {
  return ledger.orders.map((order) =>
    order.id === id && order.outcome === 'unresolved' ? { ...order, ...end } : order,
  );
}

function putTries(ledger: Ledger, tries: Tries): readonly Tries[] {
  return [...ledger.tries.filter((one) => one.set !== tries.set || one.ca !== tries.ca), tries];
}

function putBlock(ledger: Ledger, block: Block): Ledger {
  const same = (other: Block) =>
    JSON.stringify({ ...other, until: 0, why: '' }) === JSON.stringify({ ...block, until: 0, why: '' });
  return { ...ledger, blocks: [...ledger.blocks.filter((other) => !same(other)), block] };
}

function sharesName(block: Block, names: readonly string[]): boolean {
  return block.names?.some((name) => names.includes(name)) ?? false;
}

function countFailedNames(ledger: Ledger, { ca, account }: OrderKey, failed: readonly string[], now: number) {
  const isOne = (one: { ca: string; account: string; name: string }) =>
    one.ca === ca && one.account === account && failed.includes(one.name);
  const counted = failed.map((name) => {
    const before = ledger.names.find((one) => one.ca === ca && one.account === account && one.name === name);
    return { ca, account, name, failures: remainingFailures(before, now) + 1, failedAt: now };
  });
  return [...ledger.names.filter((one) => !isOne(one)), ...counted];
}

/** Failures in a row that still count: the CA forgives one a day. */
function remainingFailures(record: { failures: number; failedAt: number } | undefined, now: number): number {
  if (record === undefined) return 0;
  return Math.max(0, record.failures - Math.max(0, Math.floor((now - record.failedAt) / DAY)));
}

function putChallenges(
  ledger: Ledger,
  tried: readonly TriedChallenge[],
  change: (record: ChallengeRecord) => ChallengeRecord,
): readonly ChallengeRecord[] {
  const isOne = (one: TriedChallenge, other: TriedChallenge) => one.name === other.name && one.type === other.type;
  const changed = tried.map(({ name, type }) =>
    change(ledger.challenges.find((one) => isOne(one, { name, type })) ?? { name, type }),
  );
  return [...ledger.challenges.filter((one) => !tried.some((other) => isOne(one, other))), ...changed];
}
