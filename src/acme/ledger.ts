import * as z from 'zod';
import type { ProblemKind } from './problem-kind.ts';
import type { ChallengeType } from './solver.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Milliseconds. No limit of a CA looks further back than a week. */
export const LEDGER_REMEMBERS = 8 * DAY;
/** An order that gave no certificate counts against limits of a few hours only. */
const FAILED_REMEMBERED = DAY;
/** These many newest orders are kept however old they look: a clock that jumps ahead must not wipe the ledger. */
const ALWAYS_KEPT = 100;
/** Bounds of the ledger; what was touched last is kept. */
export const LEDGER_BOUNDS = Object.freeze({
  orders: 4_000,
  tries: 4_000,
  names: 4_000,
  challenges: 4_000,
  blocks: 500,
});
/** Characters of a ledger that are read at all. */
const LONGEST = 32 * 1024 * 1024;
/** Milliseconds for which a ledger that replaces an unreadable one is careful: the longest of the CAs' windows. */
const CAREFUL_FOR = 7 * DAY;

/**
 * How an order ended. `unresolved` until that is known (it is written before the CA hears of the order); such an order
 * counts against every limit, as one that may have succeeded and as one that may have failed. `abandoned`: it was never
 * finished, and it is known that no certificate came of it.
 */
export type OrderOutcome = 'unresolved' | 'issued' | 'failed' | 'abandoned';

/** One order; instants are milliseconds since the epoch, here and below. */
export interface LedgerOrder {
  readonly id: number;
  /** The CA, as in the store's keys. */
  readonly ca: string;
  /** The account's URL. */
  readonly account: string;
  readonly set: string;
  readonly names: readonly string[];
  readonly at: number;
  readonly outcome: OrderOutcome;
  readonly endedAt?: number;
  /** The certificate that it replaces (RFC 9773, 4.1), which exempts it from limits. */
  readonly replaces?: string;
  /** The order's URL, once the CA has given it: with it a successor can ask how it ended. */
  readonly url?: string;
  /** The names that the CA could not validate. */
  readonly failedNames: readonly string[];
}

/** An instant that was decided, and why. */
export interface NextAttempt {
  readonly at: number;
  readonly why: string;
}

/** What went wrong the last time: the CA's words, and what they were taken to mean. */
export interface TriedProblem {
  readonly kind: ProblemKind;
  readonly type: string;
  readonly detail: string;
  readonly status: number;
}

/** What was tried for one set of names at one CA since it last succeeded there. */
export interface Tries {
  readonly set: string;
  readonly ca: string;
  /** Attempts in a row that failed, or of which it is not known yet. */
  readonly failures: number;
  /** When the first of them was. */
  readonly since?: number;
  readonly lastAt: number;
  /** Failures in a row that were the CA's own, and when the first of them was. */
  readonly caFailures: number;
  readonly caSince?: number;
  /** The failures among them that were not the CA's trouble: validations, and what failed on our side. */
  readonly ourFailures: number;
  /** The last attempts of which it is not known how they ended. */
  readonly unknown: number;
  readonly problem?: TriedProblem;
  /** Not before then; decided once, so that restarts do not throw the dice again. */
  readonly next?: NextAttempt;
  readonly succeededAt?: number;
}

/** Failures in a row of one name with one account, as the CA counts them towards a pause. */
export interface NameRecord {
  readonly ca: string;
  readonly account: string;
  readonly name: string;
  readonly failures: number;
  readonly failedAt: number;
}

/** How one type of challenge fared for one name. */
export interface ChallengeRecord {
  readonly name: string;
  readonly type: ChallengeType;
  readonly workedAt?: number;
  readonly failedAt?: number;
}

/** The CA takes no orders until then: all of a CA's, or those of an account, a set, or names under a domain. */
export interface Block {
  readonly ca: string;
  readonly account?: string;
  readonly set?: string;
  readonly names?: readonly string[];
  readonly domain?: string;
  readonly until: number;
  readonly why: string;
  /** Somebody has to act at the CA; it is tried again after `until` all the same. */
  readonly paused: boolean;
}

/** The history before `from` is not known. */
export interface Careful {
  readonly from: number;
  readonly until: number;
  readonly why: string;
}

/** What was ordered, how it went, and when the next attempt may be: kept in the store, so that it survives restarts. */
export interface Ledger {
  readonly version: 1;
  readonly nextOrder: number;
  readonly careful?: Careful;
  /** The sets of which the operator asked for a new certificate and that have none yet. */
  readonly asked?: readonly string[];
  /** Oldest first. */
  readonly orders: readonly LedgerOrder[];
  readonly tries: readonly Tries[];
  readonly names: readonly NameRecord[];
  readonly challenges: readonly ChallengeRecord[];
  readonly blocks: readonly Block[];
}

const instant = z.int().min(-8.64e15).max(8.64e15);
const count = z.int().min(0);
const text = z.string();
const challengeType: z.ZodType<ChallengeType> = z.enum(['tls-alpn-01', 'http-01', 'dns-01', 'dns-persist-01']);
const problemKind: z.ZodType<ProblemKind> = z.enum([
  ...(['validation', 'needs-change', 'rate-limited', 'paused', 'ca-trouble', 'local'] as const),
]);
const LEDGER: z.ZodType<Ledger> = z.object({
  version: z.literal(1),
  nextOrder: count,
  careful: z.object({ from: instant, until: instant, why: text }).exactOptional(),
  asked: z.array(text).exactOptional(),
  orders: z.array(
    z.object({
      id: count,
      ca: text,
      account: text,
      set: text,
      names: z.array(text),
      at: instant,
      outcome: z.enum(['unresolved', 'issued', 'failed', 'abandoned']),
      endedAt: instant.exactOptional(),
      replaces: text.exactOptional(),
      url: text.exactOptional(),
      failedNames: z.array(text),
    }),
  ),
  tries: z.array(
    z.object({
      set: text,
      ca: text,
      failures: count,
      since: instant.exactOptional(),
      lastAt: instant,
      caFailures: count,
      caSince: instant.exactOptional(),
      ourFailures: count,
      unknown: count,
      problem: z.object({ kind: problemKind, type: text, detail: text, status: z.int() }).exactOptional(),
      next: z.object({ at: instant, why: text }).exactOptional(),
      succeededAt: instant.exactOptional(),
    }),
  ),
  names: z.array(z.object({ ca: text, account: text, name: text, failures: count, failedAt: instant })),
  challenges: z.array(
    z.object({
      name: text,
      type: challengeType,
      workedAt: instant.exactOptional(),
      failedAt: instant.exactOptional(),
    }),
  ),
  blocks: z.array(
    z.object({
      ca: text,
      account: text.exactOptional(),
      set: text.exactOptional(),
      names: z.array(text).exactOptional(),
      domain: text.exactOptional(),
      until: instant,
      why: text,
      paused: z.boolean(),
    }),
  ),
});

/** The ledger of somebody who never ordered anything. */
export function emptyLedger(): Ledger {
  return { version: 1, nextOrder: 1, orders: [], tries: [], names: [], challenges: [], blocks: [] };
}

/**
 * Reads a ledger, whatever the bytes are. One that cannot be read gives a fresh one that is careful, because what it
 * held may have used up the CA's limits; `note` then is one sentence for the log. None at all (undefined) is a new
 * installation, and an empty ledger.
 */
export function parseLedger(bytes: Uint8Array | undefined, now: number): { ledger: Ledger; note: string | undefined } {
  if (bytes === undefined) return { ledger: emptyLedger(), note: undefined };
  const read = readLedger(bytes);
  if (read.ledger !== undefined) return { ledger: read.ledger, note: undefined };
  const until = now + CAREFUL_FOR;
  const why = `the record of earlier orders could not be read (${read.why})`;
  const note = `The ledger of certificate orders could not be read (${read.why}); a new one was begun, and orders are kept rare for a week because the CA's limits may be used up.`;
  return { ledger: { ...emptyLedger(), careful: { from: now, until, why } }, note };
}

function readLedger(bytes: Uint8Array): { ledger: Ledger; why?: never } | { ledger?: never; why: string } {
  if (bytes.length > LONGEST) return { why: 'it is too long' };
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return { why: 'it is no JSON' };
  }
  const read = LEDGER.safeParse(value);
  if (read.success) return { ledger: read.data };
  const issue = read.error.issues[0];
  return { why: issue === undefined ? 'it is no ledger' : `${issue.path.join('.') || 'it'}: ${issue.message}` };
}

/** The bytes to store. */
export function serialiseLedger(ledger: Ledger): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(ledger)}\n`);
}

/** Without what no decision needs any more, and within the bounds. */
export function pruneLedger(ledger: Ledger, now: number): Ledger {
  const { careful, ...rest } = ledger;
  const latest = <T>(list: readonly T[], bound: number, at: (one: T) => number): readonly T[] =>
    list.length <= bound ? list : [...list].sort((a, b) => at(b) - at(a)).slice(0, bound);
  return {
    ...rest,
    ...(careful !== undefined && now < careful.until ? { careful } : {}),
    orders: pruneOrders(ledger.orders, now),
    tries: latest(ledger.tries, LEDGER_BOUNDS.tries, (one) => one.lastAt),
    names: latest(ledger.names, LEDGER_BOUNDS.names, (one) => one.failedAt),
    challenges: latest(ledger.challenges, LEDGER_BOUNDS.challenges, (one) =>
      Math.max(one.workedAt ?? -Infinity, one.failedAt ?? -Infinity),
    ),
    blocks: latest(
      ledger.blocks.filter((block) => block.until > now),
      LEDGER_BOUNDS.blocks,
      (one) => one.until,
    ),
  };
}

function pruneOrders(orders: readonly LedgerOrder[], now: number): readonly LedgerOrder[] {
  const first = orders.length - ALWAYS_KEPT;
  const kept = orders.filter((order, index) => {
    const remembered = mayBeIssued(order) ? LEDGER_REMEMBERS : FAILED_REMEMBERED;
    return index >= first || now - (order.endedAt ?? order.at) < remembered;
  });
  // Those without a certificate go first: the limits on certificates are the ones that take a week to pass.
  let excess = kept.length - LEDGER_BOUNDS.orders;
  const within = kept.filter((order) => mayBeIssued(order) || excess-- <= 0);
  return within.slice(Math.max(0, within.length - LEDGER_BOUNDS.orders));
}

/** Whether a certificate came of an order, as far as is known. */
export function mayBeIssued({ outcome }: LedgerOrder): boolean {
  return outcome === 'issued' || outcome === 'unresolved';
}
