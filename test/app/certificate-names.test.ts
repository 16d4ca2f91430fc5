import { expect, it } from 'vitest';
import { listNeededNames } from '../../src/app/certificate-names.ts';
import { readServer } from './test-config.ts';

it.each([
  ['nothing is delegated', 'a.test', '', ['a.test']],
  ['nothing is delegated, with a port', 'a.test:8448', '', ['a.test']],
  ['nothing is delegated, an address', '192.0.2.1', '', ['192.0.2.1']],
  ['nothing is delegated, an IPv6 address', '[2001:DB8::1]:8448', '', ['2001:db8::1']],
  ['nothing is delegated, the website is elsewhere', 'a.test', 'apex: elsewhere', ['a.test']],
  ['upper case', 'A.Test', 'delegate_to: M.A.Test', ['m.a.test', 'a.test']],
  ['by well-known, published here', 'a.test', 'delegate_to: "m.a.test:443"', ['m.a.test', 'a.test']],
  ['by well-known, published elsewhere', 'a.test', 'delegate_to: m.a.test, apex: elsewhere', ['m.a.test']],
  ['by well-known, to an address', 'a.test', 'delegate_to: "192.0.2.1:443", apex: elsewhere', ['192.0.2.1']],
  ['by SRV', 'a.test', 'delegate_to: m.a.test, delegate_by: srv, apex: elsewhere', ['m.a.test', 'a.test']],
  ['by both', 'a.test', 'delegate_to: m.a.test, delegate_by: both, apex: elsewhere', ['m.a.test', 'a.test']],
  ['to itself', 'a.test', 'delegate_to: "a.test:443"', ['a.test']],
])('%s', (_case, serverName, keys, names) => {
  const needed = listNeededNames(readServer(serverName, keys));
  expect(needed.map(({ name }) => name)).toEqual(names);
  for (const { why } of needed) expect(why).toMatch(/\w \w/);
});
