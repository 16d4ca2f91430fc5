import { expect, it } from 'vitest';
import { networkOf } from '../../src/base/network-of.ts';

it.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['2001:db8:0:0:1:2:3:4', '2001:db8:0:0'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8:1:2::', '2001:db8:1:2'],
  ['2001:db8:1::2:3:4:5', '2001:db8:1:0'],
  ['::1', '0:0:0:0'],
  ['::', '0:0:0:0'],
  ['fe80::1', 'fe80:0:0:0'],
  ['64:ff9b::c000:201', '64:ff9b::c000:201'],
])('the network of %s is %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});
