import { describe, expect, it } from 'vitest';
import { type AddressScope, addressScope, isPublicAddress } from '../../src/base/public-address.ts';

describe('an address that strangers may make us connect to', () => {
  it.each([
    '1.1.1.1',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.167.255.255',
    '192.169.0.0',
    '223.255.255.255',
    '2606:4700::1111',
    '2a00:1450:4001:81b::200e',
    '2001:4860:4860::8888',
    '::ffff:1.1.1.1',
    '64:ff9b::1.1.1.1',
    '2002:0101:0101::1',
  ])('is public: %s', (address) => {
    expect(addressScope(address)).toBe('public');
    expect(isPublicAddress(address)).toBe(true);
  });

  it.each<[string, AddressScope]>([
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['::1', 'loopback'],
    ['0:0:0:0:0:0:0:1', 'loopback'],
    ['10.0.0.0', 'private'],
    ['10.255.255.255', 'private'],
    ['172.16.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['192.168.178.1', 'private'],
    ['169.254.169.254', 'link-local'],
    ['fe80::1', 'link-local'],
    ['febf::1', 'link-local'],
    ['100.64.0.1', 'shared'],
    ['100.127.255.255', 'shared'],
    ['fc00::1', 'unique-local'],
    ['fdff:ffff::1', 'unique-local'],
    ['fec0::1', 'unique-local'],
    ['224.0.0.251', 'multicast'],
    ['239.255.255.255', 'multicast'],
    ['ff02::1', 'multicast'],
    ['0.0.0.0', 'reserved'],
    ['0.1.2.3', 'reserved'],
    ['192.0.0.8', 'reserved'],
    ['192.0.2.1', 'reserved'],
    ['192.88.99.1', 'reserved'],
    ['198.18.0.1', 'reserved'],
    ['198.19.255.255', 'reserved'],
    ['198.51.100.1', 'reserved'],
    ['203.0.113.1', 'reserved'],
    ['240.0.0.1', 'reserved'],
    ['255.255.255.255', 'reserved'],
    ['::', 'reserved'],
    ['::127.0.0.1', 'reserved'],
    ['::a00:1', 'reserved'],
    ['100::1', 'reserved'],
    ['2001::1', 'reserved'],
    ['2001:db8::1', 'reserved'],
    ['3fff::1', 'reserved'],
    ['64:ff9b:1::1', 'reserved'],
    // IPv4-translated (RFC 7915), and what nobody has been given.
    ['::ffff:0:7f00:1', 'reserved'],
    ['1fff::1', 'reserved'],
    ['4000::1', 'reserved'],
    ['fe00::1', 'reserved'],
    // What contains an IPv4 address is judged by it, however it is written.
    ['::ffff:127.0.0.1', 'loopback'],
    ['::FFFF:7f00:1', 'loopback'],
    ['0:0:0:0:0:ffff:10.0.0.1', 'private'],
    ['::ffff:a9fe:a9fe', 'link-local'],
    ['64:ff9b::10.0.0.1', 'private'],
    ['64:ff9b::7f00:1', 'loopback'],
    ['2002:7f00:1::', 'loopback'],
    ['2002:c0a8:0101::1', 'private'],
    // No addresses at all, or only for this machine.
    ['fe80::1%eth0', 'reserved'],
    ['2606:4700::1111%1', 'reserved'],
    ['localhost', 'reserved'],
    ['127.1', 'reserved'],
    ['0x7f.0.0.1', 'reserved'],
    ['', 'reserved'],
    ['[::1]', 'reserved'],
  ])('is not one that is %s: %s', (address, scope) => {
    expect(addressScope(address)).toBe(scope);
    expect(isPublicAddress(address)).toBe(false);
  });
});
