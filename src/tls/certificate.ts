import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { followChain } from './chain.ts';
import { readSubjectAltName } from './subject-alt-name.ts';

/** A certificate with its chain and key, ready to be served. Immutable. */
export interface Certificate {
  /** PEM, leaf first, then its issuers. */
  readonly chainPem: string;
  /** PEM, PKCS#8, not encrypted. */
  readonly keyPem: string;
  readonly leaf: X509Certificate;
  /** As in `chainPem`: the leaf, each one's issuer after it, then whatever else the source had. */
  readonly chain: readonly X509Certificate[];
  /** From the subjectAltName, lower case, wildcards as `*.example.com`. The common name counts for nothing. */
  readonly dnsNames: readonly string[];
  /** From the subjectAltName, as Node writes addresses: `192.0.2.1`, `2001:db8::1`. */
  readonly ipAddresses: readonly string[];
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
  /** SHA-256 of the leaf, upper-case hex with colons. */
  readonly fingerprint256: string;
  /** Where it comes from, for messages: a file's path, or `development CA`. */
  readonly origin: string;
  /** Whether the source had the chain in another order than this one. */
  readonly reordered: boolean;
}

/**
 * Puts together what was read: the leaf is the certificate that `key` belongs to, or the first one when there is none
 * (`checkCertificate` reports that), and the chain follows it. `certificates` is not empty.
 */
export function assembleCertificate(
  certificates: readonly [X509Certificate, ...X509Certificate[]],
  key: KeyObject,
  origin: string,
): Certificate {
  const distinct = dropRepeated(certificates);
  const leaf = distinct.find((certificate) => certificate.checkPrivateKey(key)) ?? certificates[0];
  const path = followChain(leaf, distinct);
  // Not in the path, but perhaps a cross-signed twin that an old client needs: the operator put it there, it stays.
  const chain = [...path, ...distinct.filter((certificate) => !path.includes(certificate))];
  const { dnsNames, ipAddresses } = readSubjectAltName(leaf.subjectAltName);
  return Object.freeze({
    chainPem: chain.map((certificate) => certificate.toString()).join(''),
    keyPem: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    leaf,
    chain: Object.freeze(chain),
    dnsNames: Object.freeze(dnsNames),
    ipAddresses: Object.freeze(ipAddresses),
    notBefore: leaf.validFromDate.getTime(),
    notAfter: leaf.validToDate.getTime(),
    fingerprint256: leaf.fingerprint256,
    origin,
    reordered: chain.some((certificate, index) => certificate !== distinct[index]),
  });
}

/** Whether the certificate and the key that came with it belong together. */
export function keyMatches(certificate: Certificate): boolean {
  return certificate.leaf.checkPrivateKey(createPrivateKey(certificate.keyPem));
}

// A chain file made of the leaf and of a file that begins with the leaf holds it twice.
function dropRepeated(certificates: readonly X509Certificate[]): X509Certificate[] {
  return [...new Map(certificates.map((certificate) => [certificate.fingerprint256, certificate])).values()];
}
