import { X509Certificate } from 'node:crypto';
import { getCACertificates } from 'node:tls';

/** The roots that this Node trusts, those that NODE_EXTRA_CA_CERTS adds included. Takes some 15 ms. */
export function readTrustedRoots(): readonly X509Certificate[] {
  return getCACertificates('default').map((pem) => new X509Certificate(pem));
}
