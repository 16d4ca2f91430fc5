import { expect, it } from 'vitest';
import { createRoutes } from '../../src/app/create-routes.ts';
import { isAuthenticationPath } from '../../src/matrix/authentication-paths.ts';
import { readConfig } from '../app/test-config.ts';

it.each([
  ['/_matrix/client/v3/login', true],
  ['/_matrix/client/r0/login?x=1', true],
  ['/_matrix/client/v3/login/sso/redirect/google', true],
  ['/_matrix/client/v3/logout', true],
  ['/_matrix/client/v3/logout/all', true],
  ['/_matrix/client/v3/refresh', true],
  ['/_matrix/client/v3/loginx', false],
  ['/_matrix/client/v3/register', false],
  ['/_matrix/client/v3/account/whoami', false],
  ['/_matrix/client/v3/rooms/!r:a.test/state/login', false],
  ['/_matrix/client/v3/rooms/!r:a.test/send/logout/1', false],
  ['/_matrix/client/v3?/login', false],
  ['/_matrix/client/login', false],
])('%s is the authentication service’s: %s', (target, is) => {
  expect(isAuthenticationPath(target)).toBe(is);
});

const MAS = 'mas: "http://mas:8080"';
const route = (keys: string, target: string, more: { method?: string; listener?: 'https' | 'federation' } = {}) => {
  const config = readConfig(`servers: [{ server_name: a.test, homeserver: "http://synapse:8008", ${keys} }]`);
  const decision = createRoutes(config)({
    ...{ listener: 'https', method: 'POST', target, authority: 'a.test', serverName: 'a.test', ...more },
    ...{ clientAddress: '192.0.2.1', origins: () => [] },
  });
  return decision.do === 'forward' ? [decision.upstream.text, decision.pools !== undefined] : decision.do;
};

it.each([
  ['logins go there', MAS, '/_matrix/client/v3/login', {}, ['http://mas:8080', false]],
  [
    'before any worker',
    `${MAS}, workers: { generic: "http://w" }`,
    '/_matrix/client/v3/login',
    {},
    ['http://mas:8080', false],
  ],
  ['and the rest to the homeserver', MAS, '/_matrix/client/v3/sync', {}, ['http://synapse:8008', false]],
  ['what it is asked by Synapse alone is not public', MAS, '/_synapse/mas/provision_user', {}, 'refuse'],
  ['preflights are answered here', MAS, '/_matrix/client/v3/login', { method: 'OPTIONS' }, 'preflight'],
  ['not on the port of other servers', MAS, '/_matrix/client/v3/login', { listener: 'federation' }, 'refuse'],
  [
    'without one, all are the homeserver’s',
    'apex: here',
    '/_matrix/client/v3/login',
    {},
    ['http://synapse:8008', false],
  ],
] as const)('with an authentication service, %s', (_, keys, target, more, expected) => {
  expect(route(keys, target, more)).toEqual(expected);
});
