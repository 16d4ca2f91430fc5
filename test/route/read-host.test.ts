import { expect, it } from 'vitest';
import { readHost } from '../../src/route/read-host.ts';

it.each([
  ['a.test', 'a.test'],
  ['A.Test:8448', 'a.test'],
  ['a.test:', 'a.test'],
  ['a.test.', 'a.test'],
  ['a.test.:443', 'a.test'],
  ['192.0.2.1', '192.0.2.1'],
  ['[2001:DB8::1]:443', '2001:db8::1'],
  ['[::1]:', '::1'],
  ['my_sidecar', 'my_sidecar'],
  ['My_Sidecar:8448', 'my_sidecar'],
  ['', undefined],
  [':', undefined],
  [':443', undefined],
  ['a.test:0', undefined],
  ['a_b.test:0', undefined],
  ['a.test:65536', undefined],
  ['a_b.test:65536', undefined],
  ['a.test:443:443', undefined],
  ['a.test::', undefined],
  ['a.test/x', undefined],
  ['user@a.test', undefined],
  ['a b', undefined],
  ['a,b', undefined],
  ['::1', undefined],
  ['[::1', undefined],
  ['[::1%eth0]', undefined],
  ['[a.test]', undefined],
  [`${'a'.repeat(256)}`, undefined],
])('the host of %j is %j', (authority, expected) => {
  expect(readHost(authority)).toBe(expected);
});
