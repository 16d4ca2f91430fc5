import { describeInstant } from './describe-time.ts';
import type { Tries } from './ledger.ts';

/** Milliseconds after which the real CA is tried whatever the rehearsals say. */
const PRODUCTION_AT_LEAST_EVERY = 12 * 3_600_000;
/** Failures in a row of staging's own after which it is not waited for, and after how long it gets a chance again. */
const STAGING_FAILURES = 3;
const STAGING_AGAIN_AFTER = 6 * 3_600_000;

/** Where the next attempt is made. */
export interface RehearsalDecision {
  readonly rehearse: boolean;
  readonly why: string;
  /** The instant from which the real CA is tried without a good rehearsal; undefined where it is tried anyway. */
  readonly productionAt: number | undefined;
}

/**
 * Whether to rehearse on the CA's staging before its limits are risked again: after a failure that was not the CA's own,
 * until one rehearsal went well; but trouble of the staging can never keep the real CA from being tried for long.
 */
export function decideRehearsal(
  facts: {
    readonly production: Tries;
    /** What was tried on staging; undefined where the CA has none. */
    readonly staging: Tries | undefined;
  },
  now: number,
): RehearsalDecision {
  const { production, staging } = facts;
  const go = (why: string): RehearsalDecision => ({ rehearse: false, why, productionAt: undefined });
  if (production.failures === 0) return go('Nothing failed so far.');
  if (staging === undefined) return go('This CA has no staging to rehearse on.');
  const kind = production.problem?.kind;
  if (kind === 'ca-trouble')
    return go("The failure was the CA's own; a rehearsal elsewhere would not tell when it is over.");
  if (kind === 'rate-limited' || kind === 'paused') return go("A rehearsal does not lift the CA's limits.");
  if (staging.caFailures >= STAGING_FAILURES && now - staging.lastAt < STAGING_AGAIN_AFTER) {
    return go('Staging itself is out of order, so nothing can be rehearsed.');
  }
  if (staging.succeededAt !== undefined && staging.succeededAt >= production.lastAt) {
    return go(`The rehearsal of ${describeInstant(staging.succeededAt)} went well.`);
  }
  const productionAt = production.lastAt + PRODUCTION_AT_LEAST_EVERY;
  if (now >= productionAt) return go('No rehearsal went well for 12 hours, which may be the fault of staging itself.');
  const times = production.failures === 1 ? 'the last attempt' : `the last ${production.failures} attempts`;
  return { rehearse: true, why: `After ${times} failed, the next is a rehearsal on the CA's staging.`, productionAt };
}
