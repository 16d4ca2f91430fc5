import { ariCertificateId } from './ari-certificate-id.ts';
import { askForAdvice } from './ask-for-advice.ts';
import { isProduction, type PlannedCa } from './ca-plan.ts';
import { decideDue } from './decide-due.ts';
import type { AcmeKeeperSlice, LookAfterDeps } from './keeper-contract.ts';
import type { KeptSet } from './kept-set.ts';
import type { Ledger } from './ledger.ts';
import { orderCertificate } from './order-certificate.ts';
import { planAttempt } from './plan-attempt.ts';
import { randomFraction } from './random.ts';
import type { RenewalDecision } from './renewal.ts';
import { nextRiskChange } from './warn.ts';

/** Milliseconds after which a preflight that said no is made again: whoever mends DNS should not wait for hours. */
const PREFLIGHT_AGAIN = 2 * 60_000;

/** Does what is due for one set of names now, and says when it is to be looked at next. Only for the keeper. */
export async function lookAfterSet(
  kept: KeptSet,
  slice: AcmeKeeperSlice,
  deps: LookAfterDeps,
  signal: AbortSignal,
): Promise<void> {
  const { system } = deps;
  await askForAdvice(kept, slice, deps, signal);
  const due = decideDue({ held: kept.held, asked: kept.asked, cas: slice.cas }, system.now(), () =>
    randomFraction(system),
  );
  if (!due.renew) {
    const risk = kept.held === undefined ? undefined : nextRiskChange(kept.held.certificate, system.now());
    const at = Math.min(due.at, kept.held?.stored.ari?.nextCheck ?? due.at, risk ?? due.at);
    kept.next = { at, why: due.why };
    return;
  }
  await attempt(kept, slice, deps, due, signal);
}

async function attempt(
  kept: KeptSet,
  slice: AcmeKeeperSlice,
  deps: LookAfterDeps,
  due: RenewalDecision,
  signal: AbortSignal,
): Promise<void> {
  const { set } = kept;
  const { system, log, ledger } = deps;
  const read = await ledger.read();
  const replaces = replacedId(kept, slice);
  const facts = {
    set,
    certificate: kept.held?.certificate,
    replaces,
    ledger: read,
    cas: slice.cas,
    accountAt: accountFrom(read),
    need: due.need,
  };
  const first = planAttempt({ ...facts, stagingOnly: false }, system.now());
  // What stands in the way of an advised renewal may not stand in the way of an urgent one.
  const waitUntil = (at: number): number => Math.min(at, due.needGrowsAt ?? at);
  if (first.do === 'wait') {
    kept.next = { at: waitUntil(first.at), why: first.why };
    return;
  }
  const verdict = await deps.preflight?.(set, first.ca, read, signal);
  if (verdict?.do === 'veto') {
    kept.next = { at: system.now() + PREFLIGHT_AGAIN, why: verdict.why };
    const findings = verdict.findings.map(({ what, fix }) => `${what} ${fix}`);
    if (kept.last?.what !== verdict.why) log.warn({ names: set.names, findings }, verdict.why);
    kept.last = { at: system.now(), ok: false, what: verdict.why };
    return;
  }
  for (const finding of verdict?.findings ?? [])
    log.warn({ names: set.names, id: finding.id, fix: finding.fix }, finding.what);
  const plan = verdict?.stagingOnly === true ? planAttempt({ ...facts, stagingOnly: true }, system.now()) : first;
  if (plan.do === 'wait') {
    kept.next = { at: waitUntil(plan.at), why: plan.why };
    return;
  }
  log.info(
    { names: set.names, ca: plan.ca.limits.ca, why: due.why },
    plan.rehearsal ? 'Rehearsing an order.' : 'Ordering a certificate.',
  );
  await orderCertificate(
    kept,
    slice,
    {
      ...deps,
      target: plan.ca,
      rehearsal: plan.rehearsal,
      replaces: isProduction(slice.cas, plan.ca.ca.directoryUrl) ? replaces : undefined,
      need: due.need,
      history: read,
      allowed: verdict?.challenges,
    },
    signal,
  );
}

/** The ARI id of the certificate in use, where the same CA will replace it. */
function replacedId(kept: KeptSet, slice: AcmeKeeperSlice): string | undefined {
  if (kept.held === undefined || !isProduction(slice.cas, kept.held.stored.directory)) return undefined;
  return ariCertificateId(kept.held.stored.chainPem);
}

/** The account that was used last at a CA, for limits that are counted per account. */
function accountFrom(ledger: Ledger): (ca: PlannedCa) => string {
  return ({ folder }) => ledger.orders.findLast((one) => one.ca === folder)?.account ?? '';
}
