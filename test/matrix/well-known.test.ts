import { describe, expect, test } from 'vitest';
import { parseServerName, type ServerName } from '../../src/matrix/server-name.ts';
import { deriveWellKnown, mergeJson, renderWellKnown, type WellKnownInput } from '../../src/matrix/well-known.ts';

function name(text: string): ServerName {
  const parsed = parseServerName(text);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
}

function input(serverName: string, changes: Partial<WellKnownInput> & { to?: string } = {}): WellKnownInput {
  const { to, ...rest } = changes;
  return {
    serverName: name(serverName),
    delegateTo: to === undefined ? undefined : name(to),
    delegateBy: 'well-known',
    httpsPorts: [443],
    additions: {},
    ...rest,
  };
}

describe('the server document', () => {
  test.each([
    ['nothing is delegated', input('example.com'), undefined],
    [
      'a port is given',
      input('example.com', { to: 'Matrix.example.com:443' }),
      { 'm.server': 'Matrix.example.com:443' },
    ],
    ['no port is given', input('example.com', { to: 'm.example.com' }), { 'm.server': 'm.example.com' }],
    [
      'both ways are used',
      input('example.com', { to: 'm.example.com', delegateBy: 'both' }),
      { 'm.server': 'm.example.com' },
    ],
    ['SRV alone delegates', input('example.com', { to: 'm.example.com', delegateBy: 'srv' }), undefined],
    ['it is only added', input('example.com', { additions: { server: { x: 1 } } }), { x: 1 }],
    [
      'the admin knows better',
      input('example.com', { to: 'm.example.com:443', additions: { server: { 'm.server': 'other.example:443' } } }),
      { 'm.server': 'other.example:443' },
    ],
  ])('when %s', (_, given, expected) => {
    expect(deriveWellKnown(given)['server']).toEqual(expected);
  });
});

describe('the client document sends clients', () => {
  test.each([
    ['to the server itself', input('example.com'), 'https://example.com'],
    ['to the delegated host', input('example.com', { to: 'm.example.com:443' }), 'https://m.example.com'],
    ['in lower case', input('Example.com'), 'https://example.com'],
    ['to a port that serves clients', input('a.b', { to: 'm.a.b:28443', httpsPorts: [28443] }), 'https://m.a.b:28443'],
    ['not to the federation port', input('a.b', { to: 'm.a.b:8448' }), 'https://m.a.b'],
    [
      'to the port in the server name if clients are served there',
      input('a.b:4443', { httpsPorts: [443, 4443] }),
      'https://a.b:4443',
    ],
    ['to 443 for a server name with a federation port', input('a.b:8448'), 'https://a.b'],
    [
      'not to the port of the server name when it is delegated',
      input('a.b:4443', { to: 'm.a.b', httpsPorts: [4443] }),
      'https://m.a.b',
    ],
    ['to an IPv6 address in brackets', input('[2001:db8::1]:8448'), 'https://[2001:db8::1]'],
    ['to an IPv6 address and port', input('[2001:db8::1]:8443', { httpsPorts: [8443] }), 'https://[2001:db8::1]:8443'],
  ])('%s', (_, given, base) => {
    expect(deriveWellKnown(given)['client']).toEqual({ 'm.homeserver': { base_url: base } });
  });
});

describe('additions', () => {
  test('are merged, and make documents that nothing derives', () => {
    const identity = { 'm.identity_server': { base_url: 'https://vector.im' } };
    const support = { contacts: [{ role: 'm.role.admin', email_address: 'admin@example.com' }] };
    expect(
      deriveWellKnown(input('example.com', { additions: { client: identity, support, policy_server: { a: 1 } } })),
    ).toEqual({
      client: { 'm.homeserver': { base_url: 'https://example.com' }, ...identity },
      support,
      policy_server: { a: 1 },
    });
  });

  test('there is no support document without one', () => {
    expect(Object.keys(deriveWellKnown(input('example.com')))).toEqual(['client']);
  });

  test('a document called __proto__ is one like others', () => {
    const additions = JSON.parse('{"__proto__":{"a":1}}') as Record<string, { a: number }>;
    const documents = deriveWellKnown(input('example.com', { additions }));
    expect(Object.keys(documents)).toEqual(['client', '__proto__']);
    expect(Object.getPrototypeOf(documents)).toBe(Object.prototype);
  });
});

describe('merging', () => {
  test.each([
    ['objects are merged member by member', { a: { x: 1, y: 2 } }, { a: { y: 3, z: 4 } }, { a: { x: 1, y: 3, z: 4 } }],
    ['lists are replaced', { a: [1, 2] }, { a: [3] }, { a: [3] }],
    ['null takes a member away', { a: 1, b: { c: 1, d: 2 } }, { a: null, b: { c: null } }, { b: { d: 2 } }],
    ['null takes nothing away where nothing is', {}, { a: null, b: { c: null } }, { b: {} }],
    ['an object replaces a text', { a: 'x' }, { a: { b: 1 } }, { a: { b: 1 } }],
    ['a text replaces an object', { a: { b: 1 } }, { a: 'x' }, { a: 'x' }],
    ['false and 0 are values', { a: true, b: 1 }, { a: false, b: 0 }, { a: false, b: 0 }],
  ])('%s', (_, base, over, expected) => {
    expect(mergeJson(base, over)).toEqual(expected);
  });
});

describe('rendering', () => {
  const rendered = renderWellKnown({ 'm.server': 'matrix.example.com:443' });

  test('gives JSON, with a Cache-Control of an hour, CORS and the entity tag', () => {
    expect(JSON.parse(rendered.body.toString())).toEqual({ 'm.server': 'matrix.example.com:443' });
    const text = rendered.headers.join('\n');
    expect(text).toContain('Content-Type\napplication/json');
    expect(text).toContain('Cache-Control\npublic, max-age=3600');
    expect(text).toContain(`ETag\n${rendered.etag}`);
    expect(text).toContain('Access-Control-Allow-Origin\n*');
    expect(rendered.headers.length % 2).toBe(0);
  });

  test('gives a strong entity tag that follows the content', () => {
    expect(rendered.etag).toMatch(/^"[A-Za-z0-9_-]{16}"$/);
    expect(renderWellKnown({ 'm.server': 'matrix.example.com:443' }).etag).toBe(rendered.etag);
    expect(renderWellKnown({ 'm.server': 'matrix.example.com:8448' }).etag).not.toBe(rendered.etag);
  });
});
