import { X509Certificate } from 'node:crypto';
import { isIssuedBy, isSelfSigned } from '../tls/chain.ts';
import { readSubjectAltName } from '../tls/subject-alt-name.ts';

/** What of a certificate matters to its readers. */
export interface CertificateSeen {
  /** The common name, or the whole name on one line where there is none. */
  readonly subject: string;
  readonly issuer: string;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
  /** SHA-256 of the DER, unpadded Base64. */
  readonly fingerprint: string;
  readonly selfSigned: boolean;
  /** Whether the next one of the chain issued it; false for the last. */
  readonly issuedByNext: boolean;
}

/** A chain has three or four; whoever sends more than this is not read to the end. */
const MOST = 10;

/** Reads a chain in DER as a peer sent it. What is no certificate is left out. Never throws. */
export function readCertificates(chain: readonly Buffer[]): readonly CertificateSeen[] {
  const certificates = chain.slice(0, MOST).flatMap(readOne);
  return certificates.map((certificate, index) => {
    const next = certificates[index + 1];
    return {
      subject: readName(certificate.subject),
      issuer: readName(certificate.issuer),
      ...readSubjectAltName(certificate.subjectAltName),
      notBefore: certificate.validFromDate.getTime(),
      notAfter: certificate.validToDate.getTime(),
      fingerprint: Buffer.from(certificate.fingerprint256.replaceAll(':', ''), 'hex')
        .toString('base64')
        .replaceAll('=', ''),
      selfSigned: isSelfSigned(certificate),
      issuedByNext: next !== undefined && isIssuedBy(certificate, next),
    };
  });
}

function readOne(der: Buffer): X509Certificate[] {
  try {
    return [new X509Certificate(der)];
  } catch {
    return [];
  }
}

// An empty name is undefined here, whatever the types say.
function readName(name: string | undefined): string {
  const lines = (name ?? '').split('\n');
  const common = lines.find((line) => line.startsWith('CN='));
  return common === undefined ? lines.join(', ').slice(0, 200) : common.slice('CN='.length, 200);
}
