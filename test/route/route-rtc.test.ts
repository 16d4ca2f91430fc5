import { expect, it } from 'vitest';
import { createRoutes } from '../../src/app/create-routes.ts';
import { findBelowPrefix, findOnOwnHost } from '../../src/matrix/rtc-paths.ts';
import { readConfig } from '../app/test-config.ts';

const JWT = 'http://jwt:8080';
const SFU = 'http://sfu:7880';
const RTC = `rtc: { jwt: "${JWT}", sfu: "${SFU}" }`;
const HOST = `rtc: { jwt: "${JWT}", sfu: "${SFU}", host: RTC.a.test }`;

it.each([
  ['/livekit/jwt/sfu/get', 'jwt', '/sfu/get'],
  ['/livekit/jwt/get_token?x=1', 'jwt', '/get_token?x=1'],
  ['/livekit/jwt', 'jwt', '/'],
  ['/livekit/jwt?x', 'jwt', '/?x'],
  ['/livekit/sfu/rtc?access_token=x%2Fy', 'sfu', '/rtc?access_token=x%2Fy'],
  ['/livekit/sfu/twirp/livekit.RoomService/CreateRoom', 'sfu', '/twirp/livekit.RoomService/CreateRoom'],
  ['/livekit/sfu//rtc', 'sfu', '/rtc'],
  ['/livekit/sfu/a%2F..//b', 'sfu', '/a%2F..//b'],
  ['/livekit/jwtx', undefined, undefined],
  ['/livekit/other', undefined, undefined],
  ['/livekit', undefined, undefined],
  ['/sfu/get', undefined, undefined],
])('below a prefix, %s is for %s, and asks it for %s', (target, service, rest) => {
  const found = findBelowPrefix(target);
  expect([found?.service, found?.target]).toEqual([service, rest]);
});

it.each([
  ['/sfu/get', 'jwt', '/sfu/get'],
  ['/get_token', 'jwt', '/get_token'],
  ['/delegate_delayed_leave?x', 'jwt', '/delegate_delayed_leave?x'],
  ['/sfu_webhook', 'jwt', '/sfu_webhook'],
  ['/healthz', 'jwt', '/healthz'],
  ['/sfu/getx', 'sfu', '/sfu/getx'],
  ['/rtc/v1/validate?access_token=x', 'sfu', '/rtc/v1/validate?access_token=x'],
  ['/twirp/livekit.RoomService/CreateRoom', 'sfu', '/twirp/livekit.RoomService/CreateRoom'],
  ['/', 'sfu', '/'],
  ['/livekit/jwt/sfu/get', 'jwt', '/sfu/get'],
  ['/livekit/sfu/rtc', 'sfu', '/rtc'],
  ['/_matrix/client/versions', 'sfu', '/_matrix/client/versions'],
])('on a host of their own, %s is for %s, and asks it for %s', (target, service, rest) => {
  const found = findOnOwnHost(target);
  expect([found.service, found.target]).toEqual([service, rest]);
});

type More = { readonly method?: string; readonly listener?: 'https' | 'federation' | 'http'; readonly host?: string };

function route(keys: string, target: string, more: More = {}, rest = ''): string {
  const config = readConfig(`servers: [{ server_name: a.test, homeserver: "http://synapse:8008", ${keys} }]${rest}`);
  const host = more.host ?? 'a.test';
  const decision = createRoutes(config)({
    ...{ listener: 'https', method: 'POST', target, authority: host, serverName: host, ...more },
    ...{ clientAddress: '192.0.2.1', origins: () => [] },
  });
  if (decision.do !== 'forward') return decision.do === 'refuse' ? `refuse ${decision.because}` : decision.do;
  const { upstream, endpoint } = decision;
  return `${upstream.text} ${decision.target ?? target} ${endpoint?.surface ?? 'website'}`;
}

it.each([
  ['tokens', RTC, '/livekit/jwt/sfu/get', {}, `${JWT} /sfu/get rtc`],
  [
    'their preflights, which it answers itself',
    RTC,
    '/livekit/jwt/sfu/get',
    { method: 'OPTIONS' },
    `${JWT} /sfu/get rtc`,
  ],
  ['calls', RTC, '/livekit/sfu/rtc?a=b', { method: 'GET' }, `${SFU} /rtc?a=b rtc`],
  ['under any host, as there is one homeserver', RTC, '/livekit/sfu/rtc', { host: '192.0.2.9' }, `${SFU} /rtc rtc`],
  ['not at the root', RTC, '/sfu/get', {}, 'refuse unrecognized'],
  ['a website keeps the rest', `${RTC}, website: "http://web"`, '/livekit/x', {}, 'http://web:80 /livekit/x website'],
  ['a website loses the prefixes', `${RTC}, website: "http://web"`, '/livekit/jwt/x', {}, `${JWT} /x rtc`],
  ['Matrix stays Matrix', RTC, '/_matrix/client/versions', {}, 'http://synapse:8008 /_matrix/client/versions client'],
  ['not on the port of other servers', RTC, '/livekit/jwt/sfu/get', { listener: 'federation' }, 'refuse wrong-port'],
  ['in clear text, to https', RTC, '/livekit/jwt/sfu/get', { listener: 'http' }, 'redirect'],
  ['without it, they are no paths', 'apex: here', '/livekit/jwt/sfu/get', {}, 'refuse unrecognized'],
  ['on their own host, tokens', HOST, '/sfu/get', { host: 'rtc.a.test' }, `${JWT} /sfu/get rtc`],
  ['and below the prefix', HOST, '/livekit/jwt/sfu/get', { host: 'rtc.a.test:443' }, `${JWT} /sfu/get rtc`],
  ['and everything else', HOST, '/rtc', { host: 'rtc.a.test' }, `${SFU} /rtc rtc`],
  ['but nothing of Matrix', HOST, '/_synapse/admin/x', { host: 'rtc.a.test' }, `${SFU} /_synapse/admin/x rtc`],
  ['and nothing elsewhere', HOST, '/livekit/jwt/sfu/get', {}, 'refuse unrecognized'],
  [
    'nor on the port of other servers',
    HOST,
    '/rtc',
    { host: 'rtc.a.test', listener: 'federation' },
    'refuse wrong-port',
  ],
] as const)('with services for calls: %s', (_, keys, target, more, expected) => {
  expect(route(keys, target, more)).toBe(expected);
});

it('a port that serves everything serves calls too, and blocked networks get none', () => {
  const at = { host: 'rtc.a.test', listener: 'federation' } as const;
  expect(route(HOST, '/rtc', at, '\nroutes: { federation_port: all }')).toBe(`${SFU} /rtc rtc`);
  expect(route(HOST, '/rtc', { host: 'rtc.a.test' }, '\nroutes: { blocked_networks: [192.0.2.0/24] }')).toBe(
    'refuse blocked-network',
  );
});
