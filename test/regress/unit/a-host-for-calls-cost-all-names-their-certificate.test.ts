import { expect, it } from 'vitest';
import { listAcmeSets } from '../../../src/app/acme-sets.ts';
import { readConfig } from '../../app/test-config.ts';

const RTC = 'rtc: { jwt: "http://jwt:8080", sfu: "http://sfu:7880", host: rtc.example.com }';
const sets = (...servers: readonly string[]) =>
  listAcmeSets(
    readConfig(`servers: [${servers.map((keys) => `{ homeserver: "http://synapse:8008", ${keys} }`).join(', ')}]`),
  ).map(({ names, servers: of }) => [names, of]);

const MAIN = 'server_name: example.com, delegate_to: "matrix.example.com:443"';
const OTHER = 'server_name: example.org, apex: here';

it('a host for calls leaves the certificate of the names that were there as it is: its DNS may lead nowhere yet', () => {
  const [before] = sets(MAIN);
  expect(sets(`${MAIN}, ${RTC}`)).toEqual([before, [['rtc.example.com'], ['example.com']]]);
});

it('two servers that share a host for calls share its certificate', () => {
  expect(sets(`${MAIN}, ${RTC}`, `${OTHER}, ${RTC}`)).toEqual([
    [['example.com', 'matrix.example.com'], ['example.com']],
    [['rtc.example.com'], ['example.com', 'example.org']],
    [['example.org'], ['example.org']],
  ]);
});
