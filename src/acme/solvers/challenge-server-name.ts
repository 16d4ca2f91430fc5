import { isIP } from 'node:net';
import type { Identifier } from '../solver.ts';

/**
 * The server name (SNI) with which a CA validates tls-alpn-01: the name itself in lower case (RFC 8737 section 3), or
 * for an address its name for reverse look-ups (RFC 8738 section 6).
 */
export function challengeServerName({ type, value }: Identifier): string {
  if (type === 'dns') return value.toLowerCase();
  if (isIP(value) === 4) return `${value.split('.').reverse().join('.')}.in-addr.arpa`;
  return `${[...addressBytes(value).toString('hex')].reverse().join('.')}.ip6.arpa`;
}

/** The 4 or 16 bytes of an address without brackets, in any spelling. */
export function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  // The URL parser knows every spelling, one with an IPv4 address at the end included.
  const plain = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [before = [], after = []] = plain.split('::').map((part) => part.split(':').filter((group) => group !== ''));
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  return Buffer.from([...before, ...zeros, ...after].map((group) => group.padStart(4, '0')).join(''), 'hex');
}
