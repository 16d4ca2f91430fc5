import { BlockList, isIP } from 'node:net';

/** What kind of network an address belongs to; `public` is everything that the whole internet can reach. */
export type AddressScope =
  | 'public'
  | 'loopback'
  | 'private'
  | 'link-local'
  | 'shared'
  | 'unique-local'
  | 'multicast'
  | 'reserved';

/** IANA's special-purpose registries (RFC 6890), and what Synapse's default `ip_range_blacklist` has besides. */
const NETWORKS: readonly (readonly [Exclude<AddressScope, 'public'>, readonly string[]])[] = [
  ['loopback', ['127.0.0.0/8', '::1/128']],
  ['private', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16']],
  ['link-local', ['169.254.0.0/16', 'fe80::/10']],
  ['shared', ['100.64.0.0/10']],
  ['unique-local', ['fc00::/7', 'fec0::/10']],
  ['multicast', ['224.0.0.0/4', 'ff00::/8']],
  [
    'reserved',
    [
      '0.0.0.0/8',
      '192.0.0.0/24',
      '192.0.2.0/24',
      '192.88.99.0/24',
      '198.18.0.0/15',
      '198.51.100.0/24',
      '203.0.113.0/24',
      '240.0.0.0/4',
      '::/96',
      '64:ff9b:1::/48',
      '100::/63',
      '2001::/23',
      '2001:db8::/32',
      '3fff::/20',
      '5f00::/16',
    ],
  ],
];

const LISTS = NETWORKS.map(([scope, networks]) => {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    list.addSubnet(address, Number(prefix), isIP(address) === 6 ? 'ipv6' : 'ipv4');
  }
  return [scope, list] as const;
});

/** 2000::/3: nothing else has been given out to the internet (RFC 4291 section 2.4, IANA's IPv6 address space). */
const GLOBAL_UNICAST = 0x2000;

/** Where in an IPv6 address an IPv4 address stands that is reached by it: mapped, NAT64 (RFC 6052), 6to4 (RFC 3056). */
const EMBEDDING: readonly (readonly [prefix: readonly number[], at: number])[] = [
  [[0, 0, 0, 0, 0, 0xffff], 6],
  [[0x64, 0xff9b, 0, 0, 0, 0], 6],
  [[0x2002], 1],
];

/**
 * The scope of an IPv4 or IPv6 address; one with an IPv4 address in it has that one's. Text that is no address is
 * `reserved`, and so is an address with a zone (`fe80::1%eth0`), which only one machine understands.
 */
export function addressScope(address: string): AddressScope {
  const version = isIP(address);
  if (version === 0 || address.includes('%')) return 'reserved';
  if (version === 4) return scopeIn(address, 'ipv4');
  const groups = readGroups(address);
  for (const [prefix, at] of EMBEDDING) {
    if (prefix.every((group, index) => groups[index] === group)) {
      const [high = 0, low = 0] = groups.slice(at);
      return scopeIn([high >> 8, high & 255, low >> 8, low & 255].join('.'), 'ipv4');
    }
  }
  const scope = scopeIn(address, 'ipv6');
  return scope === 'public' && (groups[0]! & 0xe000) !== GLOBAL_UNICAST ? 'reserved' : scope;
}

/** Whether a stranger may make us connect to it. */
export function isPublicAddress(address: string): boolean {
  return addressScope(address) === 'public';
}

function scopeIn(address: string, family: 'ipv4' | 'ipv6'): AddressScope {
  return LISTS.find(([, list]) => list.check(address, family))?.[0] ?? 'public';
}

/** The eight groups of 16 bits of a valid IPv6 address without a zone. */
function readGroups(address: string): number[] {
  // The last 32 bits may be written as an IPv4 address (RFC 4291 section 2.2).
  const plain = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) => {
    const hex = (high: string, low: string): string => (Number(high) * 256 + Number(low)).toString(16);
    return `${hex(a, b)}:${hex(c, d)}`;
  });
  const [left = '', right] = plain.split('::');
  const read = (half: string): number[] =>
    half === '' ? [] : half.split(':').map((group) => Number.parseInt(group, 16));
  if (right === undefined) return read(left);
  const [before, after] = [read(left), read(right)];
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}
