import { limitsOfCa } from '../../acme/ca-limits.ts';
import { pathsOf } from '../../tls/read-certificate-files.ts';
import type { ListedCertificate } from './read-listed.ts';

const DAY = 86_400_000;

/**
 * `certs list --json`: instants in ISO 8601, null where there is nothing to say. `unneeded` are those in the store that the
 * configuration does not need, described already. Pure.
 */
export function renderJson(listed: readonly ListedCertificate[], unneeded: readonly object[], now: number): string {
  const certificates = listed.map((one) => describe(one, now));
  return `${JSON.stringify({ certificates, not_needed: unneeded }, undefined, 2)}\n`;
}

function describe(
  { needed, certificate, held, state, findings, next, lastFailure, heldUp }: ListedCertificate,
  now: number,
) {
  const { names, servers, why, source } = needed;
  const directory = held?.stored.directory;
  return {
    names,
    servers,
    why,
    source: source.kind,
    listener: source.kind === 'files' ? source.listener : 'all',
    files: source.kind === 'files' ? pathsOf(source.files) : null,
    state,
    ca: directory === undefined ? null : limitsOfCa(directory).ca,
    directory: directory ?? null,
    not_before: certificate === undefined ? null : formatInstant(certificate.notBefore),
    not_after: certificate === undefined ? null : formatInstant(certificate.notAfter),
    days_left: certificate === undefined ? null : Math.floor((certificate.notAfter - now) / DAY),
    fingerprint_sha256: certificate?.fingerprint256 ?? null,
    next: next === undefined ? null : { at: formatInstant(next.at), due: next.due, why: next.why },
    held_up:
      heldUp === undefined ? null : { since: formatInstant(heldUp.since), why: heldUp.why, findings: heldUp.findings },
    last_failure:
      lastFailure === undefined
        ? null
        : {
            at: formatInstant(lastFailure.at),
            ca: lastFailure.ca,
            failures: lastFailure.failures,
            type: lastFailure.type,
            detail: lastFailure.detail,
          },
    findings,
  };
}

/** ISO 8601; null for what is no instant. */
export function formatInstant(at: number): string | null {
  // What a ledger or certificate holds may lie outside what a Date can.
  return Math.abs(at) <= 8.64e15 ? new Date(at).toISOString() : null;
}
