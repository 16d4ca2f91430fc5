import { readWindow } from './ask-for-advice.ts';
import { type CaPlan, isProduction } from './ca-plan.ts';
import { decideRenewal, emergencyOf, type RenewalDecision } from './renewal.ts';
import type { HeldCertificate } from './stored-certificate.ts';

export interface DueFacts {
  /** What the store has for the set of names. */
  readonly held: HeldCertificate | undefined;
  /** The operator asked for a renewal that may not be due. */
  readonly asked: boolean;
  readonly cas: CaPlan;
}

/**
 * Is a certificate due? Always when there is none, or none of a CA that is configured. Whatever it is due for, it is
 * urgent when little is left of the one in use.
 */
export function decideDue({ held, asked, cas }: DueFacts, now: number, random: () => number): RenewalDecision {
  const dueNow = (why: string, needGrowsAt?: number): RenewalDecision => ({
    renew: true,
    at: now,
    why,
    need: 'due',
    needGrowsAt,
    emergency: false,
  });
  if (held === undefined) return dueNow('There is no certificate yet.');
  const byItself = decideRenewal({ certificate: held.certificate, ari: readWindow(held.stored.ari) }, now, random);
  if (byItself.emergency) return byItself;
  const urgentFrom = emergencyOf(held.certificate);
  if (asked) return dueNow('The operator asked for it.', urgentFrom);
  if (!isProduction(cas, held.stored.directory)) {
    return dueNow('The certificate is from a CA that is not configured (any more).', urgentFrom);
  }
  return byItself;
}
