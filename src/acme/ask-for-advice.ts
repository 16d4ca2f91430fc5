import { describeError, SidecarError } from '../base/errors.ts';
import { ariCertificateId } from './ari-certificate-id.ts';
import type { AcmeKeeperSlice, LookAfterDeps } from './keeper-contract.ts';
import type { KeptSet } from './kept-set.ts';
import { randomFraction } from './random.ts';
import { isTransient } from './read-problem.ts';
import { decideRenewal, LONGEST_ARI_WAIT, nextAriCheck, type RenewalInfo } from './renewal.ts';
import { type StoredAri, writeCertificate } from './stored-certificate.ts';

/** The window that the CA suggested, as renewal decides on it; undefined where there is none. */
export function readWindow(ari: StoredAri | undefined): RenewalInfo | undefined {
  if (ari?.start === undefined || ari.end === undefined) return undefined;
  return { start: ari.start, end: ari.end, ...(ari.chosen === undefined ? {} : { chosen: ari.chosen }) };
}

/** Asks the CA when to renew (RFC 9773) when that is due, and keeps the answer with the certificate. */
export async function askForAdvice(
  kept: KeptSet,
  slice: AcmeKeeperSlice,
  deps: LookAfterDeps,
  signal: AbortSignal,
): Promise<void> {
  const { held } = kept;
  const now = deps.system.now();
  if (held === undefined || !isDue(held.stored.ari?.nextCheck ?? 0, now)) return;
  const ca = slice.cas.production.find((one) => one.ca.directoryUrl === held.stored.directory)?.ca;
  const id = ariCertificateId(held.stored.chainPem);
  if (ca === undefined || id === undefined) return;
  const failures = (held.stored.ari?.failures ?? 0) + 1;
  let ari: StoredAri;
  try {
    const window = await ca.renewalInfo(id, signal);
    const next = nextAriCheck({ kind: 'answered', retryAfter: window?.retryAfter }, now);
    ari = { ...(window === undefined ? {} : keepWindow(held.stored.ari, window)), nextCheck: next.at, failures: 0 };
    if (window?.explanationUrl !== undefined && window.explanationUrl !== held.stored.ari?.explanationUrl) {
      deps.log.info(
        { names: kept.set.names, page: window.explanationUrl },
        'The CA explains its advice on when to renew.',
      );
    }
  } catch (error) {
    signal.throwIfAborted();
    const retryAfter = error instanceof SidecarError ? error.retryAfter : undefined;
    const next = nextAriCheck(
      { kind: 'failed', temporary: isTransient(error), failures, ...(retryAfter === undefined ? {} : { retryAfter }) },
      now,
    );
    ari = { ...held.stored.ari, nextCheck: next.at, failures };
    deps.log.debug({ err: error, names: kept.set.names }, next.why);
  }
  const decision = decideRenewal({ certificate: held.certificate, ari: readWindow(ari) }, now, () =>
    randomFraction(deps.system),
  );
  const stored = { ...held.stored, ari: { ...ari, chosen: decision.chosen ?? ari.chosen } };
  kept.held = { stored, certificate: held.certificate };
  try {
    await writeCertificate(deps.lease, kept.set.id, stored);
  } catch (error) {
    // Whoever reads the store asks the CA once more than needed; that must not keep a certificate from being renewed.
    deps.log.warn({ names: kept.set.names }, `The CA's advice cannot be stored. ${describeError(error)}`);
  }
}

/** An instant that is further away than any that is ever chosen is from a clock that was wrong then. */
function isDue(nextCheck: number, now: number): boolean {
  return nextCheck <= now || nextCheck > now + LONGEST_ARI_WAIT;
}

/** The instant that was picked stays while the window does. */
function keepWindow(
  before: StoredAri | undefined,
  window: { readonly start: number; readonly end: number; readonly explanationUrl: string | undefined },
) {
  const same = before?.start === window.start && before.end === window.end;
  return {
    start: window.start,
    end: window.end,
    explanationUrl: window.explanationUrl,
    ...(same && before.chosen !== undefined ? { chosen: before.chosen } : {}),
  };
}
