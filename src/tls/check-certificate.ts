import type { X509Certificate } from 'node:crypto';
import { type Certificate, keyMatches } from './certificate.ts';
import { followChain, formatName, isIssuedBy, isSelfSigned } from './chain.ts';
import { coversName } from './covers-name.ts';

/** Every finding about a certificate, by the name that documentation and metrics know it by. */
export type FindingCode =
  | 'certificate-key-mismatch'
  | 'certificate-key-unsupported'
  | 'certificate-name-missing'
  | 'certificate-expired'
  | 'certificate-not-yet-valid'
  | 'certificate-expires-soon'
  | 'certificate-chain-incomplete'
  | 'certificate-chain-order'
  | 'certificate-sha1'
  | 'certificate-unusable'
  | 'certificate-unreadable'
  | 'certificate-renewal-failed'
  | 'certificate-not-served';

/** One thing wrong, or soon wrong, with a certificate. */
export interface Finding {
  /** error: other servers or clients refuse it. warning: some do, or will. */
  readonly severity: 'error' | 'warning';
  readonly code: FindingCode;
  /** What is wrong, one sentence. */
  readonly what: string;
  /** What to do about it, one sentence. */
  readonly fix: string;
}

export interface CheckOptions {
  /** Host names and address literals that the certificate must cover. */
  readonly names: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** What clients trust without being told: where a complete chain ends. */
  readonly roots: readonly X509Certificate[];
}

const DAY = 86_400_000;
const CURVES = new Set(['prime256v1', 'secp384r1', 'secp521r1']);

/** Everything wrong with a certificate for these names at this time; empty when all is well. Pure. */
export function checkCertificate(certificate: Certificate, options: CheckOptions): readonly Finding[] {
  return [
    ...checkKey(certificate),
    ...checkNames(certificate, options.names),
    ...checkDates(certificate, options.now),
    ...checkChain(certificate, options.roots),
    ...checkSignatures(certificate),
  ];
}

function* checkKey(certificate: Certificate): Generator<Finding> {
  const { leaf, origin } = certificate;
  if (!keyMatches(certificate)) {
    yield {
      severity: 'error',
      code: 'certificate-key-mismatch',
      what: `The private key does not belong to the certificate in ${origin}.`,
      fix: 'Give the key that this certificate was requested with; after a renewal, replace both files.',
    };
  }
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = leaf.publicKey;
  const bits = details?.modulusLength ?? 0;
  const usable =
    type === 'rsa' || type === 'rsa-pss' ? bits >= 2048 : type === 'ec' && CURVES.has(details?.namedCurve ?? '');
  if (!usable) {
    const kind = bits > 0 ? `RSA with ${bits} bits` : (details?.namedCurve ?? type);
    yield {
      severity: 'error',
      code: 'certificate-key-unsupported',
      what: `The certificate in ${origin} has a key that clients do not accept: ${kind}.`,
      fix: 'Request a new certificate with an EC key (P-256), or an RSA key of 2048 bits or more.',
    };
  }
}

function* checkNames(certificate: Certificate, names: readonly string[]): Generator<Finding> {
  const covered = [...certificate.dnsNames, ...certificate.ipAddresses];
  for (const name of names) {
    if (coversName(certificate, name)) continue;
    const instead = covered.length === 0 ? 'it has no subjectAltName' : `it is for ${covered.join(', ')}`;
    yield {
      severity: 'error',
      code: 'certificate-name-missing',
      what: `The certificate in ${certificate.origin} does not cover ${name}: ${instead}.`,
      fix: `Get a certificate whose subjectAltName has ${name}.`,
    };
  }
}

function* checkDates({ notBefore, notAfter, origin }: Certificate, now: number): Generator<Finding> {
  if (now >= notAfter) {
    yield {
      severity: 'error',
      code: 'certificate-expired',
      what: `The certificate in ${origin} expired ${formatTime(notAfter)}.`,
      fix: 'Renew the certificate now: nobody who verifies certificates can connect.',
    };
  } else if (now < notBefore) {
    yield {
      severity: 'error',
      code: 'certificate-not-yet-valid',
      what: `The certificate in ${origin} is not valid before ${formatTime(notBefore)}.`,
      fix: "Check this machine's clock; if it is right, use another certificate until then.",
    };
  } else if (notAfter - now < Math.min((notAfter - notBefore) / 6, 14 * DAY)) {
    // A sixth, because there are certificates for six days, which would always be within fourteen.
    yield {
      severity: 'warning',
      code: 'certificate-expires-soon',
      what: `The certificate in ${origin} expires ${formatTime(notAfter)}.`,
      fix: 'Renew the certificate, and find out why it was not renewed by itself.',
    };
  }
}

function* checkChain(
  { leaf, chain, origin, reordered }: Certificate,
  roots: readonly X509Certificate[],
): Generator<Finding> {
  const last = followChain(leaf, chain).at(-1)!;
  if (!isSelfSigned(last) && !roots.some((root) => isIssuedBy(last, root))) {
    yield {
      severity: 'warning',
      code: 'certificate-chain-incomplete',
      what: `The chain in ${origin} lacks the issuer of its last certificate: ${formatName(last.issuer)}.`,
      fix: `Append the certificate of ${formatName(last.issuer)} to the file (most CAs call the whole file "full chain"); other servers refuse a chain with a gap. With a private CA whose root they trust, this is fine.`,
    };
  }
  if (reordered) {
    yield {
      severity: 'warning',
      code: 'certificate-chain-order',
      what: `The certificates in ${origin} are out of order or repeated; they are served in the right order.`,
      fix: 'Put the server certificate first and after each certificate its issuer: other programs are less tolerant.',
    };
  }
}

function* checkSignatures({ leaf, chain, origin }: Certificate): Generator<Finding> {
  for (const certificate of followChain(leaf, chain)) {
    // Nobody looks at a root's own signature. Releases before 24.9 do not tell the algorithm.
    if (isSelfSigned(certificate) || !/sha1/i.test(certificate.signatureAlgorithm ?? '')) continue;
    yield {
      severity: 'warning',
      code: 'certificate-sha1',
      what: `The certificate of ${formatName(certificate.subject)} in ${origin} is signed with SHA-1, which most clients refuse.`,
      fix: 'Have it issued again with SHA-256.',
    };
  }
}

function formatTime(time: number): string {
  return `on ${new Date(time).toISOString().slice(0, 16).replace('T', ' at ')} UTC`;
}
