import { expect, it } from 'vitest';
import { planCertificates } from '../../src/app/certificate-plan.ts';
import { readConfig } from './test-config.ts';

const LOCAL = ['localhost', '127.0.0.1', '::1'];
const files = (name: string) => ({ kind: 'pem', cert: `/etc/${name}.pem`, key: `/etc/${name}.key` });
const written = (name: string): string => `{ cert: ${name}.pem, key: ${name}.key }`;

it('one development certificate covers all servers, and this machine', () => {
  const config = readConfig(`certificates: local
servers:
  - { server_name: a.test, homeserver: "http://s:1", delegate_to: shared.test }
  - { server_name: b.test, homeserver: "http://s:1", delegate_to: shared.test }`);
  expect(planCertificates(config)).toEqual([
    { names: ['shared.test', 'a.test', 'b.test', ...LOCAL], listener: 'all', source: { kind: 'local' } },
  ]);
});

it('a certificate of one’s own covers its server; the others get the development certificate', () => {
  const config = readConfig(`certificates: local
servers:
  - { server_name: a.test, homeserver: "http://s:1" }
  - { server_name: b.test, homeserver: "http://t:1", certificate: ${written('b')} }`);
  expect(planCertificates(config)).toEqual([
    { names: ['b.test'], listener: 'all', source: { kind: 'files', files: files('b') } },
    { names: ['a.test', ...LOCAL], listener: 'all', source: { kind: 'local' } },
  ]);
});

it('PKCS#12 is a file of one’s own as well', () => {
  const config = readConfig(`servers:
  - { server_name: a.test, homeserver: "http://s:1", certificate: { pkcs12: a.p12, password: secret } }`);
  const source = { kind: 'files', files: { kind: 'pkcs12', file: '/etc/a.p12', password: 'secret' } };
  expect(planCertificates(config)).toEqual([{ names: ['a.test'], listener: 'all', source }]);
});

it('nothing is local where files are asked for', () => {
  const config = readConfig(`certificates: files
servers: [{ server_name: a.test, homeserver: "http://s:1", certificate: ${written('a')} }]`);
  expect(planCertificates(config).map(({ source }) => source.kind)).toEqual(['files']);
});

it.each([
  ['', ['a.test']],
  ['delegate_to: m.test', ['m.test']],
  ['delegate_to: m.test, delegate_by: srv', ['a.test']],
  ['delegate_to: m.test, delegate_by: both', ['m.test', 'a.test']],
])('the federation certificate has to cover what other servers check: %s', (keys, names) => {
  const rest = keys === '' ? '' : `${keys}, `;
  const config = readConfig(`servers:
  - { server_name: a.test, homeserver: "http://s:1", ${rest}certificate: ${written('a')}, federation_certificate: ${written('f')} }`);
  const plan = planCertificates(config);
  expect(plan.map(({ listener }) => listener)).toEqual(['all', 'federation']);
  expect(plan[1]).toEqual({ names, listener: 'federation', source: { kind: 'files', files: files('f') } });
});
