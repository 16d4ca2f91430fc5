import type { CertificateStatus } from '../admin/status.ts';
import type { CertificateOutlook } from './certificate-outlook.ts';

/** A certificate and what is to be expected of it, for people and machines. `now` in milliseconds since the epoch. Pure. */
export function describeCertificate(outlook: CertificateOutlook, now: number): CertificateStatus {
  const { certificate, names, level, next, last } = outlook;
  return {
    names,
    origin: certificate.origin,
    issuer: level === 'missing' ? null : nameIssuer(certificate.leaf.issuer),
    not_before: describeInstant(certificate.notBefore),
    not_after: describeInstant(certificate.notAfter),
    days_left: Math.floor((certificate.notAfter - now) / 86_400_000),
    level,
    next_attempt:
      next === undefined ? null : { at: next.at === undefined ? null : describeInstant(next.at), why: next.why },
    last_result: last === undefined ? null : { ...last, at: describeInstant(last.at) },
    obstacle: outlook.obstacle ?? null,
  };
}

/** As Node writes a name, a line for each part: whose it is, and which of theirs. */
export function nameIssuer(issuer: string): string {
  const parts = new Map(
    issuer.split('\n').map((line) => {
      const equals = line.indexOf('=');
      return [line.slice(0, equals), line.slice(equals + 1)];
    }),
  );
  const [organization, name] = [parts.get('O'), parts.get('CN')];
  const both = organization !== undefined && name !== undefined && !name.startsWith(organization);
  return both ? `${organization} ${name}` : (name ?? organization ?? issuer.replaceAll('\n', ', '));
}

/** ISO 8601, from milliseconds since the epoch. */
export function describeInstant(at: number): string {
  // Stored numbers may be anything; outside what a Date can hold toISOString throws.
  return new Date(Math.min(Math.max(at, -8.64e15), 8.64e15)).toISOString();
}
