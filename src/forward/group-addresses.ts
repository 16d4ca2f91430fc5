import type { ResolvedAddress } from '../base/system.ts';

/** Addresses of one name that are told apart. */
const MOST_ADDRESSES = 16;

/**
 * Which instances a name stands for, by its addresses: each address is one. But one IPv4 and one IPv6 address are two
 * ways to the same machine (`localhost`, a container in a network with both). Of too many, the same ones are taken whatever
 * the order in which a resolver gives them. Pure; up to that the order stays.
 */
export function groupAddresses(found: readonly ResolvedAddress[]): readonly (readonly ResolvedAddress[])[] {
  const distinct = takeSome([...new Map(found.map((one) => [one.address, one])).values()]);
  const ipv4 = distinct.filter(({ family }) => family === 4).length;
  if (ipv4 <= 1 && distinct.length - ipv4 <= 1) return [distinct];
  return distinct.map((one) => [one]);
}

function takeSome(all: readonly ResolvedAddress[]): readonly ResolvedAddress[] {
  if (all.length <= MOST_ADDRESSES) return all;
  return all.toSorted((one, other) => (one.address < other.address ? -1 : 1)).slice(0, MOST_ADDRESSES);
}
