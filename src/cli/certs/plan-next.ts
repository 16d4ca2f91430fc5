import { ariCertificateId } from '../../acme/ari-certificate-id.ts';
import { type CaPlan, isProduction, type PlannedCa } from '../../acme/ca-plan.ts';
import { decideDue } from '../../acme/decide-due.ts';
import { describeStuckStore } from '../../acme/describe-stuck-store.ts';
import { describeInstant } from '../../acme/describe-time.ts';
import type { Ledger, Tries } from '../../acme/ledger.ts';
import { viewTries, viewUnresolved } from '../../acme/ledger-views.ts';
import type { NameSet } from '../../acme/names.ts';
import { planAttempt } from '../../acme/plan-attempt.ts';
import type { HeldCertificate } from '../../acme/stored-certificate.ts';
import type { KeeperPresence } from './find-keeper.ts';

/** When the keeper will try to get the next certificate, as far as the store tells. */
export interface NextAttempt {
  /** Milliseconds since the epoch; not after now where it is due. */
  readonly at: number;
  /** Whether a new certificate is wanted now; `at` is then when the CA may be asked. */
  readonly due: boolean;
  readonly why: string;
  /** `why` says all: an order is under way, or none can be. */
  readonly isSettled?: boolean;
}

/** The last failure since the last success, at whichever CA. */
export interface LastFailure {
  readonly at: number;
  readonly ca: string;
  /** In a row. */
  readonly failures: number;
  /** The problem's type (RFC 8555, 6.7). */
  readonly type: string;
  readonly detail: string;
}

export interface NextFacts {
  readonly set: NameSet;
  readonly held: HeldCertificate | undefined;
  readonly cas: CaPlan;
  readonly ledger: Ledger;
  /** Undefined where nobody looked, so that nothing is said of it. */
  readonly keeper?: KeeperPresence | undefined;
}

/**
 * What the keeper decides from the same facts, but for what only a running sidecar knows: whether DNS and the ports
 * are right for an order. Pure.
 */
export function planNext(facts: NextFacts, now: number): NextAttempt {
  const { set, held, cas, ledger, keeper } = facts;
  // The keeper stores the instant that it picked with the CA's window, so that the dice are not thrown here.
  const { renew, at, why, need, needGrowsAt } = decideDue({ held, asked: isAsked(facts), cas }, now, () => 0.5);
  if (!renew) return { at, due: false, why };
  if (keeper?.kind === 'unusable') return { at: now, due: true, why: describeStuckStore(keeper.why), isSettled: true };
  const since = keeper?.kind === 'present' ? findRunningAttempt(facts) : undefined;
  if (since !== undefined)
    return { at: now, due: true, why: `An order is under way since ${describeInstant(since)}.`, isSettled: true };
  const known = held !== undefined && isProduction(cas, held.stored.directory);
  const plan = planAttempt(
    {
      ...{ set, ledger, cas, need, certificate: held?.certificate, stagingOnly: false },
      replaces: known ? ariCertificateId(held.stored.chainPem) : undefined,
      accountAt: ({ folder }) => ledger.orders.findLast(({ ca }) => ca === folder)?.account ?? '',
    },
    now,
  );
  if (plan.do === 'order') return { at: now, due: true, why };
  // What stands in the way of a renewal may not when it is needed more.
  return { at: Math.min(plan.at, needGrowsAt ?? plan.at), due: true, why: `${why} ${plan.why}` };
}

/** Whether the operator asked for a renewal, and the keeper has heard of it. Pure. */
export function isAsked({ set, ledger }: Pick<NextFacts, 'set' | 'ledger'>): boolean {
  return ledger.asked?.includes(set.id) === true;
}

/**
 * When the attempt began of which it is not known yet how it ended; milliseconds since the epoch. With a keeper it is
 * under way: one that takes over settles first what an earlier one has left. Pure.
 */
export function findRunningAttempt({ set, cas, ledger }: Pick<NextFacts, 'set' | 'cas' | 'ledger'>) {
  const unresolved = viewUnresolved(ledger, set.id);
  const begun = listCas(cas)
    .filter(({ folder }) => unresolved.some(({ ca }) => ca === folder))
    .map(({ folder }) => viewTries(ledger, set.id, folder))
    .filter(({ unknown }) => unknown > 0)
    .map(({ lastAt }) => lastAt);
  return begun.length === 0 ? undefined : Math.max(...begun);
}

/** The newest failure of a set at any of the CAs that its last success did not settle. Pure. */
export function findLastFailure({ set, cas, ledger }: NextFacts): LastFailure | undefined {
  const tried = listCas(cas).map((ca) => ({ ca, tries: viewTries(ledger, set.id, ca.folder) }));
  const failed = tried.filter(({ tries }) => tries.problem !== undefined);
  const [newest] = failed.sort((a, b) => b.tries.lastAt - a.tries.lastAt);
  if (newest?.tries.problem === undefined) return undefined;
  const { lastAt, failures, problem } = newest.tries;
  return { at: lastAt, ca: newest.ca.limits.ca, failures, type: problem.type, detail: problem.detail };
}

/** Production and staging, each once. */
export function listCas({ production, staging }: CaPlan): readonly PlannedCa[] {
  return staging === undefined ? production : [...production, staging];
}

/** Whether the last attempt ended in a failure; not while one is under way. */
export function hasFailed({ failures, unknown, problem }: Tries): boolean {
  return failures > 0 && unknown === 0 && problem !== undefined;
}

/** For a person: an instant that has come is `now`. `isHeldUp`: a running sidecar has said what keeps it from ordering. */
export function describeNext({ at, due, why, isSettled }: NextAttempt, now: number, isHeldUp: boolean): string {
  if (isSettled === true) return why;
  if (at > now) return `${describeInstant(at)}. ${why}`;
  if (due && isHeldUp) return `within two minutes after that is mended, by a running sidecar. ${why}`;
  return due ? `now, by a running sidecar (its log says what keeps it). ${why}` : `now. ${why}`;
}
