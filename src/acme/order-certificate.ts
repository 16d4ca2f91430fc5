import { describeError, SidecarError } from '../base/errors.ts';
import type { PlannedCa } from './ca-plan.ts';
import type { AcmeKeeperSlice, LookAfterDeps } from './keeper-contract.ts';
import type { KeptSet } from './kept-set.ts';
import type { Ledger, LedgerOrder } from './ledger.ts';
import { viewChallenges, viewTries } from './ledger-views.ts';
import { readIdentifier } from './names.ts';
import { orderForSet } from './order-for-set.ts';
import { AcmeProblem } from './problem.ts';
import { putInForce } from './put-in-force.ts';
import { rankChallenges } from './rank-challenges.ts';
import { recordSuccess } from './record-order.ts';
import type { RenewalNeed } from './renewal.ts';
import type { ChallengeType } from './solver.ts';

/** Milliseconds until the set is looked at again after a failure that left no date in the ledger. */
const AFTER_FAILURE = 2 * 60_000;

export interface OrderingDeps extends LookAfterDeps {
  readonly target: PlannedCa;
  readonly rehearsal: boolean;
  readonly replaces: string | undefined;
  /** An order that was left in the middle, to go on with. */
  readonly resume: LedgerOrder | undefined;
  readonly need: RenewalNeed;
  readonly history: Ledger;
  readonly allowed: ReadonlyMap<string, readonly ChallengeType[]> | undefined;
}

/** Orders, serves, stores and checks; never rejects but for the signal. What went wrong is in `kept` and the log. */
export async function orderCertificate(
  kept: KeptSet,
  slice: AcmeKeeperSlice,
  deps: OrderingDeps,
  signal: AbortSignal,
): Promise<void> {
  const { set } = kept;
  const { system, log, target } = deps;
  let got = false;
  try {
    const { issued, success } = await orderForSet(
      {
        set,
        target,
        profile: set.requiredProfile ?? slice.profile,
        replaces: deps.replaces,
        need: deps.need,
        expires: kept.held?.certificate.notAfter,
        keyType: slice.keyType,
        challengeOrder: rankForSet(kept, slice, deps),
        resume: deps.resume,
        keepsKey: !deps.rehearsal,
      },
      deps,
      signal,
    );
    got = true;
    deps.onAttempt(target.ca.directoryUrl, deps.rehearsal ? 'rehearsed' : 'issued');
    if (deps.rehearsal) {
      await deps.ledger.update(deps.lease, (before) => recordSuccess(before, success, system.now()));
      kept.last = { at: system.now(), ok: true, what: 'The rehearsal went well.' };
      kept.next = { at: system.now(), why: 'Something has just changed.' };
    } else {
      await putInForce(kept, { ...issued, directory: target.ca.directoryUrl, success }, deps, signal);
    }
  } catch (error) {
    signal.throwIfAborted();
    const words = describeError(error);
    const hint = error instanceof SidecarError ? error.hint : undefined;
    // Where the limits leave no room the CA was not asked.
    const asked = !(error instanceof SidecarError && error.code === 'acme-limit');
    if (!got && asked) deps.onAttempt(target.ca.directoryUrl, 'failed');
    const next = viewTries(await deps.ledger.read(), set.id, target.folder).next;
    kept.last = { at: system.now(), ok: false, what: words };
    kept.next = next ?? { at: system.now() + AFTER_FAILURE, why: words };
    const fields = {
      names: set.names,
      ca: target.limits.ca,
      ...(hint === undefined ? {} : { hint }),
      next: new Date(kept.next.at).toISOString(),
    };
    log.warn(
      error instanceof AcmeProblem ? { ...fields, problem: error.problem } : fields,
      `No certificate from ${target.limits.ca}: ${words}`,
    );
  }
}

/** The best challenges first: what all names of the set can do, the best for the first of them leading. */
function rankForSet(
  kept: KeptSet,
  slice: AcmeKeeperSlice,
  { history, system, allowed }: OrderingDeps,
): ChallengeType[] {
  const ranked = kept.set.names.map((name) => {
    const { types } = rankChallenges(
      {
        ...readIdentifier(name),
        configured: slice.challenges,
        offered: undefined,
        listeners: slice.listeners,
        history: viewChallenges(history, name),
      },
      system.now(),
    );
    const permitted = allowed?.get(name);
    return permitted === undefined ? types : types.filter((type) => permitted.includes(type));
  });
  return [...new Set(ranked.flat())];
}
