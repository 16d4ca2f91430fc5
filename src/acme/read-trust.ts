import { X509Certificate } from 'node:crypto';
import { describeError, SidecarError } from '../base/errors.ts';

/** The certificates of `acme.ca_file` (PEM), each as a PEM of its own. Throws a SidecarError when there is none in it. */
export function readTrust(pem: string): string[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]{1,100000}-----END CERTIFICATE-----/g) ?? [];
  try {
    if (blocks.length === 0) throw new Error('it holds no certificate in PEM form');
    return blocks.map((block) => new X509Certificate(block).toString());
  } catch (cause) {
    throw new SidecarError(`The file acme.ca_file cannot be used: ${describeError(cause)}.`, {
      code: 'acme-ca-file',
      blame: 'operator',
      hint: 'Give the root certificate of the ACME server, in PEM: it has a line -----BEGIN CERTIFICATE-----.',
      cause,
    });
  }
}
