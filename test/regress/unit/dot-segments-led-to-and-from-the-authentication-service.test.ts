import { expect, it } from 'vitest';
import { createRoutes } from '../../../src/app/create-routes.ts';
import { readConfig } from '../../app/test-config.ts';

const MAS = 'http://mas:8080';
const HOMESERVER = 'http://synapse:8008';
const SERVER = (mas: string): string => `servers: [{ server_name: a.test, homeserver: "${HOMESERVER}"${mas} }]`;

function route(target: string, mas = `, mas: "${MAS}"`): string {
  const decision = createRoutes(readConfig(SERVER(mas)))({
    ...{ listener: 'https', method: 'GET', target, authority: 'a.test', serverName: 'a.test' },
    ...{ clientAddress: '192.0.2.1', origins: () => [] },
  });
  return decision.do === 'forward' ? decision.upstream.text : decision.do;
}

it.each([
  ['/_matrix/client/v3/login/../../../../api/admin/v1/users', 'refuse'],
  ['/_matrix/client/v3/login/%2e%2e/%2E%2e/%2e%2e/%2e%2e/oauth2/token', 'refuse'],
  ['/_matrix/client/v3/login/..%2f..%2f..%2f..%2fgraphql', 'refuse'],
  ['/_matrix/client/v3/logout/../sync', 'refuse'],
  ['/_matrix/client/v3/rooms/../login', 'refuse'],
  ['/_matrix/client/v3/login/../logout', MAS],
  ['/_matrix/client/v3/login/sso/redirect/a%2Fb?x=/../y', MAS],
  ['/_matrix/client/v3/rooms/!r:a.test/state/m.x/a%2Flogin', HOMESERVER],
  ['/_matrix/client/v3/rooms/!r:a.test/state/x/..%2Flogin', HOMESERVER],
])('%s leads to %s, however the dots are read behind us', (target, expected) => {
  expect(route(target)).toBe(expected);
});

it('without such a service it is as it was', () => {
  expect(route('/_matrix/client/v3/rooms/../login', '')).toBe(HOMESERVER);
});
