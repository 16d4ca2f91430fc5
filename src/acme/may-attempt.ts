import type { CaLimits } from './ca-limits.ts';
import { describeInstant } from './describe-time.ts';
import type { Ledger, LedgerOrder, NextAttempt } from './ledger.ts';
import { viewTries } from './ledger-views.ts';
import { mayOrder, type PlannedOrder } from './limits.ts';

/** What to do about a set of names that needs a certificate, and the instant to do it at (now for `order`). */
export interface AttemptDecision {
  readonly do: 'order' | 'wait';
  readonly at: number;
  readonly why: string;
  /** Limits are in the way: nothing failed. */
  readonly isPaced?: boolean;
}

/** Whether to order now: both the wait after the last failure and the CA's limits have to be over. */
export function mayAttempt(ledger: Ledger, order: PlannedOrder, now: number, limits: CaLimits): AttemptDecision {
  const { next } = viewTries(ledger, order.set, order.ca);
  const permission = mayOrder(ledger, order, now, limits);
  if (!permission.allowed && permission.nextAllowedAt >= (next?.at ?? 0)) {
    return { do: 'wait', at: permission.nextAllowedAt, why: permission.why, isPaced: true };
  }
  return awaitTurn(next, now) ?? { do: 'order', at: now, why: permission.why };
}

/** Whether to go on now with an order that was made before: the CA counted it then, so only the wait has to be over. */
export function mayGoOn(ledger: Ledger, { set, ca }: LedgerOrder, now: number): AttemptDecision {
  const { next } = viewTries(ledger, set, ca);
  return awaitTurn(next, now) ?? { do: 'order', at: now, why: 'An order that was left in the middle is gone on with.' };
}

function awaitTurn(next: NextAttempt | undefined, now: number): AttemptDecision | undefined {
  if (next === undefined || next.at <= now) return undefined;
  return { do: 'wait', at: next.at, why: `${next.why} That is ${describeInstant(next.at)}.` };
}
