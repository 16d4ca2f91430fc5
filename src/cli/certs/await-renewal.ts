import type { CaPlan } from '../../acme/ca-plan.ts';
import { describeInstant, describeSpan } from '../../acme/describe-time.ts';
import type { Ledger } from '../../acme/ledger.ts';
import { createLedgerStore } from '../../acme/ledger-store.ts';
import { viewTries } from '../../acme/ledger-views.ts';
import type { NameSet } from '../../acme/names.ts';
import { pause } from '../../acme/pause.ts';
import { isRenewalRequested } from '../../acme/renewal-request.ts';
import { type HeldCertificate, readCertificate } from '../../acme/stored-certificate.ts';
import { readVeto } from '../../acme/veto-record.ts';
import { stayAlive } from '../../base/stay-alive.ts';
import type { CertsContext } from './open-certificate-store.ts';
import { planCas } from './plan-cas.ts';
import { findRunningAttempt, hasFailed, isAsked, listCas, planNext } from './plan-next.ts';
import { describeTimeLeft } from './render-list.ts';

/** Milliseconds. */
const PATIENCE = 120_000;
const LOOK_EVERY = 1_000;

/** What was there when the renewal was asked for, to tell what is new. */
export interface BeforeRenewal {
  readonly fingerprints: ReadonlyMap<string, string | undefined>;
  readonly ledger: Ledger;
  readonly cas: CaPlan;
}

/** To be called before the renewal is asked for. */
export async function lookBeforeRenewal(context: CertsContext, sets: readonly NameSet[]): Promise<BeforeRenewal> {
  const { store } = context;
  const fingerprints = new Map<string, string | undefined>();
  for (const { id } of sets) fingerprints.set(id, (await readCertificate(store, id))?.certificate.fingerprint256);
  return { fingerprints, ledger: await readLedger(context), cas: planCas(context) };
}

/**
 * Waits until each of the sets has a new certificate or a failure, or is held back by limits, at most two minutes, and
 * says so as it happens. The exit code is 1 when one of them has no new certificate then.
 */
export async function awaitRenewal(
  context: CertsContext,
  sets: readonly NameSet[],
  before: BeforeRenewal,
): Promise<void> {
  const { io, system } = context;
  const began = system.monotonic();
  const letGo = stayAlive();
  try {
    let waiting = sets;
    for (;;) {
      waiting = await lookForEnds(context, waiting, before);
      if (waiting.length === 0) return;
      const waited = system.monotonic() - began;
      if (waited >= PATIENCE) break;
      const names = waiting.map((set) => set.names.join(', ')).join(' and ');
      if (io.isTerminal) io.stderr(`\r\u001b[KWaiting for ${names}: ${describeSpan(Math.floor(waited / 1000) * 1000)}`);
      await pause(system, LOOK_EVERY, new AbortController().signal);
    }
    clearProgress(context);
    for (const set of waiting) {
      const veto = await readVeto(context.store, set.id);
      if (veto !== undefined) io.stderr(`${veto.why}\n`);
    }
    io.stderr(
      `Not yet after ${describeSpan(PATIENCE)}; it goes on without this command. \`certs list\` says how it went.\n`,
    );
    io.exitCode = 1;
  } finally {
    letGo();
  }
}

/** Says which of the sets are through, and gives the others. */
async function lookForEnds(
  context: CertsContext,
  waiting: readonly NameSet[],
  before: BeforeRenewal,
): Promise<NameSet[]> {
  const { io, store, system } = context;
  // Before the ledger: once it is heeded, what it lifts is lifted there.
  const heeded = !(await isRenewalRequested(store));
  const ledger = await readLedger(context);
  const rest: NameSet[] = [];
  for (const set of waiting) {
    const names = set.names.join(', ');
    const held = await readCertificate(store, set.id);
    const certificate = held?.certificate;
    const pacing = heeded ? findPacing(set, held, before.cas, ledger, system.now()) : undefined;
    const failure = findNewFailure(set, before, ledger);
    if (certificate !== undefined && certificate.fingerprint256 !== before.fingerprints.get(set.id)) {
      clearProgress(context);
      const left = describeTimeLeft(certificate.notAfter - system.now());
      io.stdout(`New certificate for ${names}: ${left}, until ${describeInstant(certificate.notAfter)}.\n`);
    } else if (failure !== undefined) {
      clearProgress(context);
      io.stderr(`No new certificate for ${names}: ${failure}\n`);
      io.exitCode = 1;
    } else if (pacing !== undefined) {
      clearProgress(context);
      io.stderr(`Not renewed yet. ${pacing} The running sidecar does it then.\n`);
      io.exitCode = 1;
    } else {
      rest.push(set);
    }
  }
  return rest;
}

/** The words of a failure since then, at whichever CA, and when it is tried again. */
function findNewFailure(set: NameSet, before: BeforeRenewal, now: Ledger): string | undefined {
  for (const { folder, limits } of listCas(before.cas)) {
    const tries = viewTries(now, set.id, folder);
    if (!hasFailed(tries) || tries.lastAt === viewTries(before.ledger, set.id, folder).lastAt) continue;
    const next = tries.next === undefined ? '' : ` Next attempt ${describeInstant(tries.next.at)}.`;
    return `${limits.ca} says: ${tries.problem?.detail} (${tries.problem?.type}).${next}`;
  }
  return undefined;
}

/** Why the keeper, which has heard of the wish, does not order yet, with the date; undefined where it may. */
function findPacing(
  set: NameSet,
  held: HeldCertificate | undefined,
  cas: CaPlan,
  ledger: Ledger,
  now: number,
): string | undefined {
  const facts = { set, held, cas, ledger };
  if (!isAsked(facts) || findRunningAttempt(facts) !== undefined) return undefined;
  const next = planNext(facts, now);
  return next.at > now ? next.why : undefined;
}

function readLedger({ store, system }: CertsContext): Promise<Ledger> {
  return createLedgerStore(store, { system, note: () => {} }).read();
}

function clearProgress({ io }: CertsContext): void {
  if (io.isTerminal) io.stderr('\r\u001b[K');
}
