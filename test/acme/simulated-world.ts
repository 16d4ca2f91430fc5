import { type CaLimits, limitsOfCa, type Window } from '../../src/acme/ca-limits.ts';
import type { ProblemDocument } from '../../src/acme/problem.ts';
import type { Validity } from '../../src/acme/renewal.ts';
import { DAY, HOUR, problem } from './ledger-facts.ts';

/** A span of time, the end excluded. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Spans of trouble: about one in `every` milliseconds, each of a length that `length` draws. */
export function drawSpans(over: Span, every: number, length: () => number, random: () => number): Span[] {
  const spans: Span[] = [];
  for (let at = over.from; ; ) {
    at = Math.floor(at - Math.log(1 - random()) * every);
    if (at >= over.to) return spans;
    const to = Math.floor(at + length());
    spans.push({ from: at, to });
    at = to;
  }
}

export const within = (spans: readonly Span[], at: number) => spans.some(({ from, to }) => from <= at && at < to);

/** The longest span of `[from, to)` in which none of `troubles` is. */
export function longestCalm(troubles: readonly Span[], from: number, to: number): number {
  let longest = 0;
  let since = from;
  for (const trouble of [...troubles, { from: to, to }].sort((a, b) => a.from - b.from)) {
    longest = Math.max(longest, Math.min(trouble.from, to) - since);
    since = Math.max(since, trouble.to);
  }
  return longest;
}

/** The most of `times` in any span of `per`. */
export function mostWithin(times: readonly number[], per: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  let [most, from] = [0, 0];
  for (let to = 0; to < sorted.length; to++) {
    while (sorted[to]! - sorted[from]! >= per) from++;
    most = Math.max(most, to - from + 1);
  }
  return most;
}

/** How a CA answers an order; `undefined` as problem: a certificate. */
export interface Answer {
  readonly problem?: ProblemDocument;
  readonly retryAfter?: number;
  readonly certificate?: Validity & { readonly id: string };
}

/** A CA with its own count of everything, by token buckets as Let's Encrypt does it. */
export class SimulatedCa {
  readonly limits: CaLimits;
  readonly lifetime: number;
  readonly outages: readonly Span[];
  readonly orders: number[] = [];
  /** When certificates were given, and those of them that no exempt order asked for. */
  readonly issued: number[] = [];
  readonly counted: number[] = [];
  readonly failed: number[] = [];
  refusals = 0;
  private readonly replaced = new Set<string>();

  constructor(directory: string, lifetime: number, outages: readonly Span[]) {
    this.limits = limitsOfCa(directory);
    this.lifetime = lifetime;
    this.outages = outages;
  }

  order(now: number, provable: boolean, replaces: string | undefined): Answer {
    if (within(this.outages, now)) return { problem: problem('unreachable', { status: 0 }) };
    const exempt = replaces !== undefined && !this.replaced.has(replaces);
    const { certificatesPerSet, ordersPerAccount, failedAuthorizationsPerName } = this.limits;
    const full =
      emptied(this.issued, certificatesPerSet, now) ||
      emptied(this.orders, ordersPerAccount, now) ||
      emptied(this.failed, failedAuthorizationsPerName, now);
    if (full && !exempt) {
      this.refusals++;
      return { problem: problem('rateLimited', { status: 429 }), retryAfter: 34 * 3_600 };
    }
    this.orders.push(now);
    if (!provable) {
      this.failed.push(now);
      return { problem: problem('connection') };
    }
    this.issued.push(now);
    if (exempt) this.replaced.add(replaces);
    else this.counted.push(now);
    const certificate = { id: `${now}`, notBefore: now - HOUR, notAfter: now - HOUR + this.lifetime };
    return { certificate };
  }

  /** The window in which it wants a certificate renewed; undefined while it cannot be reached. */
  renewalInfo(now: number, { notBefore, notAfter }: Validity, revoked: boolean): Span | undefined {
    if (within(this.outages, now)) return undefined;
    if (revoked) return { from: now - 2 * DAY, to: now - DAY };
    const middle = notBefore + (notAfter - notBefore) * (notAfter - notBefore < 10 * DAY ? 1 / 2 : 2 / 3);
    const width = (notAfter - notBefore) / 50;
    return { from: Math.floor(middle - width), to: Math.floor(middle + width) };
  }
}

/** Whether a bucket of `count` that refills evenly in `per` has nothing left after these. */
function emptied(times: readonly number[], { count, per }: Window, now: number): boolean {
  let [level, last] = [count, -Infinity];
  for (const at of [...times.slice(-4 * count), now]) {
    level = Math.min(count, level + (last === -Infinity ? count : ((at - last) * count) / per));
    last = at;
    // What an exempt order takes from an empty bucket is not owed.
    if (at !== now && level >= 1) level -= 1;
  }
  return level < 1;
}
