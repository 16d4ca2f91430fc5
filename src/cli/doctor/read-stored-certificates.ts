import { describeInstant, describeSpan } from '../../acme/describe-time.ts';
import type { StoredCertificate } from '../../doctor/deployment.ts';
import type { CertsContext } from '../certs/open-certificate-store.ts';
import { describeNext, type NextAttempt } from '../certs/plan-next.ts';
import { type ListedCertificate, readListed } from '../certs/read-listed.ts';
import { describeTimeLeft } from '../certs/render-list.ts';

/** Every needed certificate as the store has it; read once. */
export function createStoredCertificates(context: CertsContext): () => Promise<readonly StoredCertificate[]> {
  let reading: Promise<readonly StoredCertificate[]> | undefined;
  return () => {
    reading ??= readListed(context).then((listed) => listed.map((one) => describe(one, context.system.now())));
    return reading;
  };
}

function describe(
  { needed, certificate, state, findings, next, heldUp }: ListedCertificate,
  now: number,
): StoredCertificate {
  return {
    names: needed.names,
    listener: needed.source.kind === 'files' ? needed.source.listener : 'all',
    state,
    fingerprint: certificate?.fingerprint256,
    validity: certificate === undefined ? 'none yet' : describeValidity(certificate.notAfter, now),
    next: next === undefined ? undefined : describeComing(next, certificate !== undefined, heldUp !== undefined, now),
    heldUp: heldUp?.findings.map(({ what, fix }) => ({ what, fix })) ?? [],
    findings: findings.map(({ severity, code, what, fix }) => ({ id: code, severity, what, fix })),
  };
}

/** The first one is due whether or not a sidecar runs that could get it. */
function describeComing(next: NextAttempt, isThere: boolean, isHeldUp: boolean, now: number): string {
  const isFirst = !isThere && !isHeldUp && next.due && next.at <= now && next.isSettled !== true;
  return isFirst ? 'as soon as the sidecar runs; its log says what keeps it.' : describeNext(next, now, isHeldUp);
}

function describeValidity(notAfter: number, now: number): string {
  if (notAfter <= now) return `expired ${describeSpan(now - notAfter)} ago`;
  return `${describeTimeLeft(notAfter - now)}, until ${describeInstant(notAfter)}`;
}
