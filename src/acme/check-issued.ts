import { describeError } from '../base/errors.ts';
import { type Certificate, keyMatches } from '../tls/certificate.ts';
import { coversName } from '../tls/covers-name.ts';
import { parsePemCertificate } from '../tls/pem-certificate.ts';
import { AcmeProblem } from './problem.ts';

/**
 * Whether what the CA gave is what was ordered: for our key, for all of the names (`*.` included), not over. Throws an
 * AcmeProblem of type `wrong-certificate` when not; such a certificate must never replace one that works.
 */
export function checkIssued(chainPem: string, keyPem: string, names: readonly string[], now: number): Certificate {
  let certificate: Certificate;
  try {
    certificate = parsePemCertificate(chainPem, keyPem, 'the CA');
  } catch (error) {
    throw wrong(describeError(error));
  }
  if (!keyMatches(certificate)) throw wrong('it is for another key than the one in the request');
  const missing = names.filter((name) => !certificate.dnsNames.includes(name) && !coversName(certificate, name));
  if (missing.length > 0) throw wrong(`it is not for ${missing.join(', ')}`);
  if (certificate.notAfter <= now) {
    const over = new Date(certificate.notAfter).toISOString();
    throw wrong(
      `it ended at ${over}, and this machine's clock says ${new Date(now).toISOString()}; one of the two is wrong`,
    );
  }
  return certificate;
}

function wrong(detail: string): AcmeProblem {
  const problem = { type: 'wrong-certificate', detail, status: 200, subproblems: [] };
  return new AcmeProblem(problem, 'The certificate that the CA issued is not the one that was ordered');
}
