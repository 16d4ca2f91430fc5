import type { X509Certificate } from 'node:crypto';

/** Whether a certificate is its own issuer: a root, or a lone self-signed one. */
export function isSelfSigned(certificate: X509Certificate): boolean {
  return certificate.checkIssued(certificate) && signedBy(certificate, certificate);
}

/** Whether `issuer` signed `certificate`, by name and by signature. */
export function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && signedBy(certificate, issuer);
}

/** The leaf, its issuer, the issuer's issuer and so on, as far as `pool` has them. A self-signed one ends it. */
export function followChain(leaf: X509Certificate, pool: readonly X509Certificate[]): X509Certificate[] {
  const path = [leaf];
  for (;;) {
    const last = path.at(-1)!;
    if (isSelfSigned(last)) return path;
    const issuer = pool.find((candidate) => !path.includes(candidate) && isIssuedBy(last, candidate));
    if (issuer === undefined) return path;
    path.push(issuer);
  }
}

/** A distinguished name on one line: `CN=Example CA, O=Example, C=GB`. */
export function formatName(name: string): string {
  return name.split('\n').reverse().join(', ');
}

function signedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.verify(issuer.publicKey);
  } catch {
    // A key type or algorithm that this build of OpenSSL does not know: it cannot have been verified.
    return false;
  }
}
