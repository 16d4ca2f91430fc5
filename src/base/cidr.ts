import { BlockList, isIP } from 'node:net';
import { bad, good, type Parsed } from './parsed.ts';

/** One network: `10.0.0.0/8`, `2001:db8::/32`; a bare address is a network of one. */
export interface Cidr {
  readonly address: string;
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
  readonly text: string;
}

/** A set of networks that says whether an address belongs to it. */
export interface CidrSet {
  readonly networks: readonly Cidr[];
  contains(address: string): boolean;
}

export function parseCidr(text: string): Parsed<Cidr> {
  const [address = '', prefixText, ...rest] = text.split('/');
  const version = isIP(address);
  const most = version === 6 ? 128 : 32;
  const prefix = prefixText === undefined ? most : /^\d{1,3}$/.test(prefixText) ? Number(prefixText) : Number.NaN;
  if (version === 0 || rest.length > 0 || !(prefix <= most)) {
    return bad(`${JSON.stringify(text)} is no network; write 10.0.0.0/8, 2001:db8::/32 or a single address`);
  }
  return good({ address, prefix, family: version === 6 ? 'ipv6' : 'ipv4', text: `${address}/${prefix}` });
}

/** `::ffff:192.0.2.1`, as a dual-stack socket reports an IPv4 peer, becomes `192.0.2.1`; others stay. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

export function createCidrSet(networks: readonly Cidr[]): CidrSet {
  const list = new BlockList();
  for (const network of networks) list.addSubnet(network.address, network.prefix, network.family);
  return Object.freeze({
    networks: Object.freeze([...networks]),
    contains(address: string): boolean {
      if (networks.length === 0) return false;
      const plain = plainAddress(address);
      const version = isIP(plain);
      return version !== 0 && list.check(plain, version === 6 ? 'ipv6' : 'ipv4');
    },
  });
}
