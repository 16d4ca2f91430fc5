import { BlockList, isIPv6 } from 'node:net';
import type { Identifier } from './solver.ts';

/** Names that are nobody's in the public DNS: RFC 6761, 6762, 7686, 8375, 9476, and ICANN's resolution on `internal`. */
const SPECIAL = ['alt', 'example', 'home.arpa', 'internal', 'invalid', 'local', 'localhost', 'onion', 'test'];

/** IANA's special-purpose registries: what is not reachable from everywhere. */
const NETWORKS = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24'],
  ...['192.0.2.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/3'],
  ...['::/128', '::1/128', '100::/64', '2001:db8::/32', 'fc00::/7', 'fe80::/10', 'ff00::/8', '3fff::/20'],
];

/** Half a sentence on why no public CA signs for a name or an address; undefined where one might. */
export function whyNotPublic({ type, value }: Identifier): string | undefined {
  if (type === 'ip') {
    const list = new BlockList();
    for (const network of NETWORKS) {
      const [address, prefix] = network.split('/');
      list.addSubnet(address!, Number(prefix), address!.includes(':') ? 'ipv6' : 'ipv4');
    }
    if (!list.check(value, isIPv6(value) ? 'ipv6' : 'ipv4')) return undefined;
    return 'this address is not one of the public Internet';
  }
  const special = SPECIAL.find((suffix) => value === suffix || value.endsWith(`.${suffix}`));
  if (special !== undefined) return `names under .${special} do not exist in the public DNS`;
  return value.includes('.') ? undefined : 'it has no domain';
}
