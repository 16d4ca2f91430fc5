import { describeInstant, describeSpan } from './describe-time.ts';
import type { Tries } from './ledger.ts';
import { longestWait } from './retry.ts';

/** Milliseconds after which the real CA is tried whatever the rehearsals say; sooner where the certificate in use ends. */
const PRODUCTION_AT_LEAST_EVERY = 12 * 3_600_000;
/** After so many waits as they are near that end: rehearsals go first. */
const WAITS_NEAR_EXPIRY = 2;
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
    /** When the certificate in use ends; undefined where there is none. */
    readonly expires?: number | undefined;
  },
  now: number,
): RehearsalDecision {
  const { production, staging, expires } = facts;
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
  const nearExpiry = WAITS_NEAR_EXPIRY * longestWait(expires, production.lastAt);
  const productionAt = Math.ceil(production.lastAt + Math.min(PRODUCTION_AT_LEAST_EVERY, nearExpiry));
  if (now >= productionAt) {
    const span = describeSpan(productionAt - production.lastAt);
    return go(`No rehearsal went well for ${span}, which may be the fault of staging itself.`);
  }
  const times = production.failures === 1 ? 'the last attempt' : `the last ${production.failures} attempts`;
  return { rehearse: true, why: `After ${times} failed, the next is a rehearsal on the CA's staging.`, productionAt };
}
