import { describeError, SidecarError } from '../base/errors.ts';
import type { PlannedCa } from './ca-plan.ts';
import type { AcmeKeeperSlice, LookAfterDeps } from './keeper-contract.ts';
import { adoptCertificate, type KeptSet } from './kept-set.ts';
import type { Ledger } from './ledger.ts';
import { viewChallenges, viewTries } from './ledger-views.ts';
import { readIdentifier } from './names.ts';
import { orderForSet } from './order-for-set.ts';
import { AcmeProblem } from './problem.ts';
import { rankChallenges } from './rank-challenges.ts';
import type { RenewalNeed } from './renewal.ts';
import type { ChallengeType } from './solver.ts';
import { parseStoredCertificate, writeCertificate } from './stored-certificate.ts';

/** Milliseconds until the set is looked at again after a failure that left no date in the ledger. */
const AFTER_FAILURE = 2 * 60_000;

export interface OrderingDeps extends LookAfterDeps {
  readonly target: PlannedCa;
  readonly rehearsal: boolean;
  readonly replaces: string | undefined;
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
  try {
    const issued = await orderForSet(
      {
        set,
        target,
        profile: set.requiredProfile ?? slice.profile,
        replaces: deps.replaces,
        need: deps.need,
        keyType: slice.keyType,
        challengeOrder: rankForSet(kept, slice, deps),
      },
      deps,
      signal,
    );
    kept.last = {
      at: system.now(),
      ok: true,
      what: deps.rehearsal ? 'The rehearsal went well.' : 'A certificate was issued.',
    };
    kept.next = { at: system.now(), why: 'Something has just changed.' };
    if (deps.rehearsal) return;
    kept.asked = false;
    const stored = {
      names: set.names,
      directory: target.ca.directoryUrl,
      chainPem: issued.chainPem,
      keyPem: issued.keyPem,
      issuedAt: system.now(),
    };
    const held = parseStoredCertificate(
      Buffer.from(JSON.stringify(stored)),
      `the certificate for ${set.names.join(', ')}`,
    );
    if (held === undefined)
      throw new SidecarError('The new certificate cannot be read.', { code: 'acme-refused', blame: 'remote' });
    // Served before it is stored: a full disk must not keep a good certificate from being used.
    adoptCertificate(kept, held);
    await writeCertificate(deps.store, set.id, stored);
    await checkServed(kept, deps);
  } catch (error) {
    signal.throwIfAborted();
    const words = describeError(error);
    const hint = error instanceof SidecarError ? error.hint : undefined;
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

async function checkServed(kept: KeptSet, deps: LookAfterDeps): Promise<void> {
  const fingerprint = kept.held?.certificate.fingerprint256;
  if (fingerprint === undefined) return;
  const wrong = await deps.selfCheck?.(kept.set, fingerprint);
  kept.findings =
    wrong === undefined
      ? []
      : [
          {
            severity: 'warning',
            code: 'certificate-not-served',
            what: wrong,
            fix: 'Restart the sidecar, and report this: it should not happen.',
          },
        ];
  if (wrong !== undefined) deps.log.error({ names: kept.set.names }, wrong);
}
