import { isIP } from 'node:net';
import type { Certificate } from '../tls/certificate.ts';
import { coversName } from '../tls/covers-name.ts';
import type { UnneededCertificate } from './unneeded-sets.ts';

/**
 * Certificates for some of `names` that the store has from another configuration: for who adds a name or changes a
 * delegation, they are good until the CA has signed one for all names together. Each has only those names that it is to stand
 * in for. Pure.
 */
export function findStandIns(
  unneeded: readonly UnneededCertificate[],
  names: readonly string[],
  now: number,
): readonly Certificate[] {
  return unneeded.flatMap(({ held }) => {
    if (held === undefined || held.certificate.notAfter <= now) return [];
    const { certificate } = held;
    const covered = names.filter((name) => coversName(certificate, name));
    if (covered.length === 0) return [];
    const isAddress = (name: string): boolean => isIP(name) !== 0;
    return {
      ...certificate,
      dnsNames: covered.filter((name) => !isAddress(name)),
      ipAddresses: covered.filter(isAddress),
    };
  });
}
