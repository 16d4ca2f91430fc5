import { expect, it } from 'vitest';
import { parseServerName, type ServerName } from '../../src/matrix/server-name.ts';
import { locateOnHttps } from '../../src/route/redirect-location.ts';

const name = (text: string): ServerName => {
  const parsed = parseServerName(text);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
};

it.each([
  ['a.test', '/x?y=1', [443], 'https://a.test/x?y=1'],
  ['a.test:80', '/', [443], 'https://a.test/'],
  ['a.test:8080', '/', [443], 'https://a.test/'],
  ['a.test:', '/', [443], 'https://a.test/'],
  ['A.Test', '/', [443], 'https://A.Test/'],
  ['a.test', '/', [8443], 'https://a.test:8443/'],
  ['a.test:80', '/', [8443, 443], 'https://a.test/'],
  ['a.test', '/', [8443, 9443], 'https://a.test:8443/'],
  ['a.test', '/', [], 'https://a.test/'],
  ['[2001:db8::1]', '/', [443], 'https://[2001:db8::1]/'],
  ['[2001:db8::1]:80', '/', [8443], 'https://[2001:db8::1]:8443/'],
  ['a.test', '//evil.test/x', [443], 'https://a.test//evil.test/x'],
  ['a.test', '/%0d%0aX: y', [443], 'https://a.test/%0d%0aX: y'],
  [undefined, '/x', [443], 'https://fallback.test/x'],
])('%j %s with https on %j: %s', (authority, target, httpsPorts, expected) => {
  expect(locateOnHttps(authority, target, { httpsPorts, fallback: name('fallback.test:8448') })).toBe(expected);
});

it('keeps the brackets of an IPv6 server name where there is no Host', () => {
  const facts = { httpsPorts: [8443], fallback: name('[2001:db8::1]:8448') };
  expect(locateOnHttps(undefined, '/', facts)).toBe('https://[2001:db8::1]:8443/');
});
