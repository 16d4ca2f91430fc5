import { isIP } from 'node:net';
import { canonicalAddress } from './subject-alt-name.ts';

/** The part of a certificate that says for whom it is. */
export interface CertificateNames {
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
}

/**
 * The wildcard that would cover a DNS name: `a.example.com` gives `*.example.com` (one label, the leftmost, whole:
 * RFC 9525 section 6.3). Undefined where there is none: `*.com` is refused by browsers and by Synapse's TLS library,
 * so `example.com` has none.
 */
export function wildcardFor(name: string): string | undefined {
  const dot = name.indexOf('.');
  return dot > 0 && name.indexOf('.', dot + 1) !== -1 ? `*${name.slice(dot)}` : undefined;
}

/**
 * How a certificate covers a host name or an address literal (no brackets), as a client verifies it: RFC 9525
 * section 6. Undefined when it does not. An address needs an iPAddress entry; a wildcard never covers one.
 */
export function coversHow(certificate: CertificateNames, host: string): 'exact' | 'wildcard' | undefined {
  if (isIP(host) !== 0) return certificate.ipAddresses.includes(canonicalAddress(host)) ? 'exact' : undefined;
  const name = host.toLowerCase();
  if (certificate.dnsNames.includes(name)) return 'exact';
  const wildcard = wildcardFor(name);
  return wildcard !== undefined && certificate.dnsNames.includes(wildcard) ? 'wildcard' : undefined;
}

/** Whether clients that connect to this host name or address literal accept the certificate's names. */
export function coversName(certificate: CertificateNames, host: string): boolean {
  return coversHow(certificate, host) !== undefined;
}
