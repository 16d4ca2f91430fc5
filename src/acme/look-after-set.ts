import type { System } from '../base/system.ts';
import { ariCertificateId } from './ari-certificate-id.ts';
import { askForAdvice } from './ask-for-advice.ts';
import { isProduction, type PlannedCa } from './ca-plan.ts';
import { decideDue } from './decide-due.ts';
import type { AcmeKeeperSlice, LookAfterDeps } from './keeper-contract.ts';
import type { KeptSet } from './kept-set.ts';
import type { Ledger } from './ledger.ts';
import { viewLastAttempt } from './ledger-views.ts';
import { noteVeto } from './note-veto.ts';
import { orderCertificate } from './order-certificate.ts';
import { planAttempt } from './plan-attempt.ts';
import { randomFraction } from './random.ts';
import { decideRenewal, type RenewalDecision } from './renewal.ts';

/** Milliseconds after which a preflight that said no is made again: whoever mends DNS should not wait for hours. */
const PREFLIGHT_AGAIN = 2 * 60_000;
/** Milliseconds after which it is looked again whether the store survives; mostly a new container does that. */
const STAGING_AGAIN = 60 * 60_000;

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
    await noteVeto(kept, undefined, deps);
    const at = Math.min(due.at, kept.held?.stored.ari?.nextCheck ?? due.at);
    kept.next = { at, why: due.why, attempt: due.at };
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
  // What an earlier process was told is still the news.
  kept.last ??= viewLastAttempt(read, set.id);
  const replaces = replacedId(kept, slice);
  const facts = {
    set,
    certificate: kept.held?.certificate,
    replaces,
    ledger: read,
    cas: slice.cas,
    accountAt: accountFrom(read),
    need: due.need,
    left: kept.left,
  };
  const first = planAttempt({ ...facts, stagingOnly: false }, system.now());
  // What stands in the way of an advised renewal may not stand in the way of an urgent one.
  const waitUntil = (at: number): number => Math.min(at, due.needGrowsAt ?? at);
  if (first.do === 'wait') {
    // Failures have been told of already; that nothing failed and nothing is ordered would be a riddle.
    if (first.why !== kept.next.why && first.isPaced === true) log.info({ names: set.names, why: due.why }, first.why);
    kept.next = { at: waitUntil(first.at), why: first.why };
    return;
  }
  const verdict = await deps.preflight?.(set, first.ca, read, signal);
  if (verdict?.do === 'veto') {
    kept.next = { at: system.now() + PREFLIGHT_AGAIN, why: verdict.why };
    const findings = verdict.findings.map(({ what, fix }) => `${what} ${fix}`);
    if (kept.last?.what !== verdict.why) log.warn({ names: set.names, findings }, verdict.why);
    kept.last = { at: system.now(), ok: false, what: verdict.why };
    await noteVeto(kept, verdict, deps);
    return;
  }
  if (verdict !== undefined) await noteVeto(kept, undefined, deps);
  for (const { id, fix, what } of verdict?.findings ?? [])
    if (!kept.advice.has(what)) log.warn({ names: set.names, id, fix }, what);
  kept.advice = new Set(verdict?.findings.map(({ what }) => what));
  const rest = verdict?.stagingOnly === true ? restOnStaging(kept, slice, system) : undefined;
  if (rest !== undefined) {
    kept.next = rest;
    return;
  }
  const plan = verdict?.stagingOnly === true ? planAttempt({ ...facts, stagingOnly: true }, system.now()) : first;
  if (plan.do === 'wait') {
    kept.next = { at: waitUntil(plan.at), why: plan.why };
    return;
  }
  log.info({ names: set.names, ca: plan.ca.limits.ca, why: due.why }, describePlan(plan));
  await orderCertificate(
    kept,
    slice,
    {
      ...deps,
      target: plan.ca,
      rehearsal: plan.rehearsal,
      resume: plan.resume,
      replaces: isProduction(slice.cas, plan.ca.ca.directoryUrl) ? replaces : undefined,
      need: due.need,
      history: read,
      allowed: verdict?.challenges,
    },
    signal,
  );
}

function describePlan({ rehearsal, resume }: { readonly rehearsal: boolean; readonly resume?: object }): string {
  if (resume !== undefined) return 'Going on with an order that was left in the middle.';
  return rehearsal ? 'Rehearsing an order.' : 'Ordering a certificate.';
}

/** Where only staging may be asked, its certificate is as good as it gets until it is over. */
function restOnStaging({ held }: KeptSet, { cas }: AcmeKeeperSlice, system: System): KeptSet['next'] | undefined {
  if (held === undefined || held.stored.directory !== cas.staging?.ca.directoryUrl) return undefined;
  const { renew, at } = decideRenewal({ certificate: held.certificate }, system.now(), () => 0);
  if (renew) return undefined;
  const why =
    'The store does not survive this container, so the certificate from staging stays in force until that is mended.';
  return { at: Math.min(at, system.now() + STAGING_AGAIN), why, attempt: at };
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
