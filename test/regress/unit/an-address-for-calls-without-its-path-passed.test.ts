import { expect, it } from 'vitest';
import { leadsToTokens } from '../../../src/matrix/rtc-paths.ts';
import { lintHomeserver } from '../../../src/synapse/lint.ts';
import { readConfig } from '../../app/test-config.ts';
import { facts, read, SOUND } from '../../synapse/sound.ts';

const HOST = 'https://matrix.example.com';

it.each([
  [`${HOST}/livekit/jwt`, true, true],
  [`${HOST}:443/livekit/jwt/`, true, true],
  // Apps then ask the homeserver's host for /sfu/get, which is nothing there.
  [HOST, false, true],
  [`${HOST}/`, false, true],
  [`${HOST}/livekit`, false, false],
  [`${HOST}/livekit/sfu`, false, false],
  ['http://matrix.example.com/livekit/jwt', false, false],
  [`${HOST}:8443/livekit/jwt`, false, false],
  ['matrix.example.com', false, false],
])(
  'that apps are told %s leads to services on the clients’ host: %s, on a host of their own: %s',
  (url, shared, own) => {
    expect([leadsToTokens(url, HOST, false), leadsToTokens(url, HOST, true)]).toEqual([shared, own]);
  },
);

it('the right host with the wrong path in Synapse is a finding', () => {
  const text = `${SOUND}experimental_features: { msc4143_enabled: true }
max_event_delay_duration: 24h
matrix_rtc: { transports: [{ type: livekit, livekit_service_url: "${HOST}" }] }
`;
  const lint = (ownHost: boolean) =>
    lintHomeserver(read(text), facts({ rtc: { url: `${HOST}/livekit/jwt`, ownHost } })).map(({ id }) => id);
  expect([lint(false), lint(true)]).toEqual([['synapse-rtc-differs'], []]);
});

const SERVICES = 'rtc: { jwt: "http://jwt:8080", sfu: "http://sfu:7880" }';
const two = (first: string, second: string) =>
  readConfig(`certificates: local
servers:
  - { server_name: a.test, homeserver: "http://one:8008", delegate_to: m.test, ${first} }
  - { server_name: b.test, homeserver: "http://one:8008", delegate_to: m.test, ${second} }`);

it.each([
  ['has none', 'apex: here', SERVICES],
  ['has others', 'rtc: { jwt: "http://jwt:8080", sfu: "http://other:7880" }', SERVICES],
  ['has them on a host of their own', `${SERVICES.replace(' }', ', host: rtc.test }')}`, SERVICES],
])(
  'services below the address of clients are refused where another server answers there, which %s',
  (_, first, second) => {
    expect(() => two(first, second)).toThrow('servers[1].rtc: requests for the host m.test go to a.test');
  },
);

it.each([
  ['the same services', SERVICES, SERVICES],
  ['a host of their own', 'apex: here', `${SERVICES.replace(' }', ', host: rtc.test }')}`],
  ['services of the first alone', SERVICES, 'apex: here'],
])('two servers with one address of clients may have %s', (_, first, second) => {
  expect(two(first, second).servers).toHaveLength(2);
});
