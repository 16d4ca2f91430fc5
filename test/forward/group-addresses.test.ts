import { describe, expect, it } from 'vitest';
import { groupAddresses } from '../../src/forward/group-addresses.ts';

const read = (text: string) =>
  text
    .split(' ')
    .filter((address) => address !== '')
    .map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
const group = (text: string) => groupAddresses(read(text)).map((one) => one.map(({ address }) => address).join(' '));

describe('the instances that a name stands for', () => {
  it.each([
    ['one address', '10.0.0.1', ['10.0.0.1']],
    ['one IPv6 address', 'fd00::1', ['fd00::1']],
    ['one of each kind: two ways to one machine', '::1 127.0.0.1', ['::1 127.0.0.1']],
    ['two of a kind', '10.0.0.1 10.0.0.2', ['10.0.0.1', '10.0.0.2']],
    ['two of one kind and one of the other', '10.0.0.1 fd00::1 10.0.0.2', ['10.0.0.1', 'fd00::1', '10.0.0.2']],
    ['the same one twice', '10.0.0.1 10.0.0.1', ['10.0.0.1']],
  ])('%s', (_, found, expected) => {
    expect(group(found)).toEqual(expected);
  });

  it('are sixteen at most', () => {
    const found = Array.from({ length: 100 }, (_, index) => `10.0.0.${index}`).join(' ');
    expect(group(found)).toHaveLength(16);
  });
});
