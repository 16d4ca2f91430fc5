import { plainAddress } from './cidr.ts';

/**
 * The network that one party is likely to hold as a whole, as a key to count by: an IPv4 address itself, of an IPv6
 * address its first 64 bits (what a household or a rented machine gets at least, RFC 6177).
 */
export function networkOf(address: string): string {
  const plain = plainAddress(address);
  if (!plain.includes(':')) return plain;
  const [head = '', tail] = plain.split('::');
  const first = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const last = tail === '' ? [] : tail.split(':');
    while (first.length + last.length < 8) first.push('0');
    first.push(...last);
  }
  return first.slice(0, 4).join(':');
}
