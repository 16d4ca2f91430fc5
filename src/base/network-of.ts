import { plainAddress } from './cidr.ts';

/**
 * The network that one party is likely to hold as a whole, as a key to count by: an IPv4 address itself, of an IPv6
 * address its first 64 bits (what a household or a rented machine gets at least, RFC 6177). Behind a translator with the
 * well-known prefix (RFC 6052), 64 bits would be all of IPv4: there it is the whole address.
 */
export function networkOf(address: string): string {
  const plain = plainAddress(address);
  if (!plain.includes(':') || plain.startsWith('64:ff9b::')) return plain;
  const [head = '', tail] = plain.split('::');
  const first = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const last = tail === '' ? [] : tail.split(':');
    while (first.length + last.length < 8) first.push('0');
    first.push(...last);
  }
  return first.slice(0, 4).join(':');
}
