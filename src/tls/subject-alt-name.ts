import { isIP, SocketAddress } from 'node:net';

export interface SubjectAltName {
  readonly dnsNames: string[];
  readonly ipAddresses: string[];
}

// Node quotes an entry as a JSON string where it would be ambiguous (a comma in it, say), RFC 5280 section 4.2.1.6.
const ENTRY = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/gy;

/** Reads `X509Certificate.subjectAltName`. Entries of other kinds than DNS names and addresses are left out. */
export function readSubjectAltName(text: string | undefined): SubjectAltName {
  const dnsNames: string[] = [];
  const ipAddresses: string[] = [];
  for (const [, kind, value = ''] of (text ?? '').matchAll(ENTRY)) {
    // A quoted DNS name has characters that no name can have: it covers nothing.
    if (value.startsWith('"')) continue;
    if (kind === 'DNS') dnsNames.push(value.toLowerCase());
    else if (kind === 'IP Address' && isIP(value) !== 0) ipAddresses.push(canonicalAddress(value));
  }
  return { dnsNames, ipAddresses };
}

/** One spelling for each address: `2001:DB8:0:0:0:0:0:1` becomes `2001:db8::1`. `address` is a valid one. */
export function canonicalAddress(address: string): string {
  return isIP(address) === 6 ? new SocketAddress({ address, family: 'ipv6' }).address : address;
}
