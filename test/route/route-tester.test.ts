import { expect, it } from 'vitest';
import { createUpstreamPool } from '../../src/base/address.ts';
import { createCidrSet } from '../../src/base/cidr.ts';
import { compileEndpoints } from '../../src/matrix/endpoints.ts';
import type { RoutedServer } from '../../src/route/decision.ts';
import { createRouter } from '../../src/route/route-request.ts';

const homeserver = createUpstreamPool([{ kind: 'tcp', host: 'hs', port: 8008, text: 'http://hs:8008' }]);
const website = createUpstreamPool([{ kind: 'tcp', host: 'web', port: 80, text: 'http://web:80' }]);

function route(
  target: string,
  more: {
    testerIsPublic?: boolean;
    website?: RoutedServer['website'];
    authority?: string;
    method?: string;
    listener?: 'https' | 'federation' | 'http';
  } = {},
) {
  const { testerIsPublic = false, authority = 'a.test', method = 'GET', listener = 'https' } = more;
  const router = createRouter({
    servers: [
      { name: 'a.test', hosts: ['a.test', 'm.a.test'], homeserver, website: more.website, wellKnown: new Map() },
    ],
    endpoints: compileEndpoints(),
    federationPort: 'federation',
    adminApiFrom: createCidrSet([]),
    blockedNetworks: createCidrSet([]),
    blockedServers: undefined,
    testerIdentity: 'm.a.test:00443',
    testerIsPublic,
  });
  const who = { serverName: undefined, clientAddress: '192.0.2.1', origins: () => [] };
  return router({ listener, method, target, authority, ...who }).do;
}
const KEYS = '/_matrix/key/v2/server';

it.each([
  ['the name of the tester, on either port', KEYS, { authority: 'm.a.test:00443' }, 'identify'],
  ['the same on the federation port', KEYS, { authority: 'm.a.test:00443', listener: 'federation' }, 'identify'],
  ['the same with a query', `${KEYS}?x`, { authority: 'm.a.test:00443' }, 'identify'],
  ['the delegated name, as homeservers and people write it', KEYS, { authority: 'm.a.test:443' }, 'forward'],
  ['the delegated name without a port', KEYS, { authority: 'm.a.test' }, 'forward'],
  ['the server name', KEYS, { authority: 'a.test' }, 'forward'],
  ['another path with the tester’s name', '/_matrix/federation/v1/version', { authority: 'm.a.test:00443' }, 'forward'],
  ['a path below', `${KEYS}/x`, { authority: 'm.a.test:00443' }, 'forward'],
  ['clear text', KEYS, { authority: 'm.a.test:00443', listener: 'http' }, 'redirect'],
] as const)('the keys of the tester are asked for by %s: %s -> %s', (_, target, more, expected) => {
  expect(route(target, more)).toBe(expected);
});

it.each([
  '/federationtester',
  '/federationtester?server_name=b.test',
  '/api/report?server_name=b.test',
  '/api/federation-ok',
])('strangers reach %s when it is public, and only then', (target) => {
  expect(route(target)).toBe('refuse');
  expect(route(target, { website })).toBe('forward');
  expect(route(target, { testerIsPublic: true })).toBe('test');
  expect(route(target, { testerIsPublic: true, website })).toBe('test');
  expect(route(target, { testerIsPublic: true, listener: 'federation' })).toBe('refuse');
  expect(route(target, { testerIsPublic: true, listener: 'http' })).toBe('redirect');
});

it.each([
  ['/_matrix/client/versions', 'forward'],
  ['/_matrix/federation/v1/version', 'forward'],
  ['/federationtester/', 'refuse'],
  ['/api/reports', 'refuse'],
  ['/_matrix/../federationtester', 'forward'],
])('a public tester takes nothing else: %s -> %s', (target, expected) => {
  expect(route(target, { testerIsPublic: true })).toBe(expected);
});
