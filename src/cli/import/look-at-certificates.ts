import { readFoundFile } from '../../acme/import-found.ts';
import { SidecarError } from '../../base/errors.ts';
import type { CertificateLook, CertificateLooks } from '../../import/plan-certificate.ts';
import { type Certificate, keyMatches } from '../../tls/certificate.ts';
import { coversName } from '../../tls/covers-name.ts';
import { parsePemCertificate } from '../../tls/pem-certificate.ts';

/** Nobody wants to wait for more. */
const MOST = 500;
/** Whose certificates come by ACME, by the organization in the issuer's name. */
const ACME_ISSUERS =
  /^O=(Let's Encrypt|ZeroSSL|ZeroSSL GmbH|Google Trust Services|Google Trust Services LLC|Buypass AS-983163327)$/m;

/** The files of a certificate. */
interface CertificatePaths {
  readonly cert: string;
  readonly key: string;
}

/** Opens certificates. Never rejects: what cannot be read is a look as well. */
export async function lookAtCertificates(named: readonly CertificatePaths[]): Promise<CertificateLooks> {
  const files = new Map(named.map((one) => [one.cert, one]));
  const looks = new Map<string, CertificateLook>();
  for (const [path, certificate] of [...files].slice(0, MOST)) looks.set(path, await look(certificate));
  return looks;
}

async function look({ cert, key }: CertificatePaths): Promise<CertificateLook> {
  const outcome = await read(cert, key);
  if (outcome instanceof SidecarError) return { kind: 'unusable', why: lowerFirst(outcome.message.replace(/\.$/, '')) };
  if (!keyMatches(outcome)) return { kind: 'unusable', why: 'its private key is another one' };
  return {
    kind: 'found',
    names: [...outcome.dnsNames, ...outcome.ipAddresses],
    covers: (host) => coversName(outcome, host),
    acme: ACME_ISSUERS.test(outcome.leaf.issuer),
  };
}

async function read(cert: string, key: string): Promise<Certificate | SidecarError> {
  try {
    const [chain, secret] = [await readFoundFile(cert), await readFoundFile(key)];
    return parsePemCertificate(chain.toString('latin1'), secret.toString('latin1'), cert);
  } catch (error) {
    if (error instanceof SidecarError) return error;
    throw error;
  }
}

function lowerFirst(text: string): string {
  return /^[A-Z][a-z]/.test(text) ? text[0]!.toLowerCase() + text.slice(1) : text;
}
