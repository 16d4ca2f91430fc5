import type { Ledger, Tries } from './ledger.ts';
import { LONGEST_WAIT } from './retry.ts';

/**
 * To be used once the clock is known to be right (a CA's Date header says so): what was written while it was ahead
 * lies in the future and would otherwise count until then. A wait that was decided then is as long as it was meant to
 * be, from now. What was written while the clock was behind cannot be told from what is old.
 */
export function settleClock(ledger: Ledger, now: number): Ledger {
  const past = (at: number) => Math.min(at, now);
  const soon = (at: number) => Math.min(at, now + LONGEST_WAIT);
  const { careful } = ledger;
  return {
    ...ledger,
    ...(careful === undefined
      ? {}
      : {
          careful: {
            ...careful,
            from: past(careful.from),
            until: soon(careful.until - Math.max(0, careful.from - now)),
          },
        }),
    orders: ledger.orders.map((one) => ({
      ...one,
      at: past(one.at),
      ...(one.endedAt === undefined ? {} : { endedAt: past(one.endedAt) }),
    })),
    tries: ledger.tries.map((one) => settleTries(one, past, now)),
    names: ledger.names.map((one) => ({ ...one, failedAt: past(one.failedAt) })),
    challenges: ledger.challenges.map((one) => ({
      ...one,
      ...(one.workedAt === undefined ? {} : { workedAt: past(one.workedAt) }),
      ...(one.failedAt === undefined ? {} : { failedAt: past(one.failedAt) }),
    })),
    blocks: ledger.blocks.map((one) => ({ ...one, until: soon(one.until) })),
  };
}

function settleTries(one: Tries, past: (at: number) => number, now: number): Tries {
  const { lastAt, since, caSince, succeededAt, next } = one;
  const ahead = Math.max(0, lastAt - now);
  return {
    ...one,
    lastAt: past(lastAt),
    ...(since === undefined ? {} : { since: past(since) }),
    ...(caSince === undefined ? {} : { caSince: past(caSince) }),
    ...(succeededAt === undefined ? {} : { succeededAt: past(succeededAt) }),
    ...(next === undefined ? {} : { next: { ...next, at: Math.min(next.at - ahead, now + LONGEST_WAIT) } }),
  };
}
