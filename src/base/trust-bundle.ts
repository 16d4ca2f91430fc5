import { X509Certificate } from 'node:crypto';
import { bad, good, type Parsed } from './parsed.ts';

/** What stands between the lines of a certificate in PEM (RFC 7468); no certificate in use is longer. */
const BLOCK = /-----BEGIN CERTIFICATE-----[^-]{1,100000}-----END CERTIFICATE-----/g;

/** Reads the certificates of a PEM file that says whom to trust, each as PEM of its own. Other blocks are passed over. */
export function parseTrustBundle(pem: string): Parsed<readonly string[]> {
  const blocks = pem.match(BLOCK) ?? [];
  if (blocks.length === 0) return bad('there is no certificate in PEM form in it (a line -----BEGIN CERTIFICATE-----)');
  const certificates: string[] = [];
  for (const [index, block] of blocks.entries()) {
    try {
      certificates.push(new X509Certificate(block).toString());
    } catch {
      return bad(`certificate ${index + 1} of ${blocks.length} in it is damaged`);
    }
  }
  return good(certificates);
}
