import { expect, it } from 'vitest';
import { listNeededNames } from '../../src/app/certificate-names.ts';
import { deriveWellKnown } from '../../src/matrix/well-known.ts';
import { readConfig, readServer } from '../app/test-config.ts';

const services = (host: string, sfu = 'http://sfu:7880') =>
  `rtc: { jwt: "http://jwt:8080", sfu: "${sfu}", host: ${host} }`;
const read = (first: string, second: string) =>
  readConfig(`certificates: local
servers:
  - { server_name: a.test, homeserver: "http://one:8008", delegate_to: m.a.test, ${first} }
  - { server_name: b.test, homeserver: "http://two:8008", ${second} }`);

it.each([
  [
    'a homeserver’s own',
    services('m.a.test'),
    'apex: here',
    'rtc.host: at "m.a.test", the homeserver of a.test answers',
  ],
  ['another homeserver’s', services('b.test'), 'apex: here', 'the homeserver of b.test answers'],
  [
    'one that leads elsewhere already',
    services('rtc.test'),
    services('rtc.test', 'http://other:7880'),
    '"rtc.test" already leads to the services of servers[0]',
  ],
])('a host for calls cannot be %s', (_, first, second, why) => {
  expect(() => read(first, second)).toThrow(why);
});

it('two servers may share the same services', () => {
  const { servers } = read(services('RTC.test.'), services('rtc.test'));
  expect(servers.map(({ rtc }) => rtc?.host)).toEqual(['rtc.test', 'rtc.test']);
});

it('a host that no public authority knows is refused with one', () => {
  expect(() => readServer('a.example.com', services('rtc'))).toThrow('servers[0].rtc.host: "rtc" has no dot');
});

it('a host of its own is in the certificate, and a path needs no name', () => {
  const names = (keys: string) => listNeededNames(readServer('a.example.com', keys)).map(({ name }) => name);
  expect(names(services('rtc.example.com'))).toEqual(['a.example.com', 'rtc.example.com']);
  expect(names('rtc: { jwt: "http://jwt:8080", sfu: "http://sfu:7880" }')).toEqual(['a.example.com']);
});

const FOCI = 'org.matrix.msc4143.rtc_foci';

it.each([
  ['below the address of clients', '', 'https://m.example.com/livekit/jwt'],
  ['at their own host', ', host: rtc.example.com', 'https://rtc.example.com/livekit/jwt'],
])('clients find the services %s', (_, host, url) => {
  const rtc = `rtc: { jwt: "http://jwt:8080", sfu: "http://sfu:7880"${host} }`;
  const server = readServer('example.com', `delegate_to: "m.example.com:443", ${rtc}`);
  const derive = (additions = {}) => deriveWellKnown({ ...server, httpsPorts: [443], additions })['client'];
  expect(derive()?.[FOCI]).toEqual([{ type: 'livekit', livekit_service_url: url }]);
  const own = [{ type: 'livekit', livekit_service_url: 'https://elsewhere.test' }];
  expect(derive({ client: { [FOCI]: own } })?.[FOCI]).toEqual(own);
  expect(derive({ client: { [FOCI]: null } })).not.toHaveProperty([FOCI]);
});

it('without services, nothing is said of them', () => {
  const server = readServer('example.com');
  expect(deriveWellKnown({ ...server, httpsPorts: [443], additions: {} })['client']).not.toHaveProperty([FOCI]);
});
