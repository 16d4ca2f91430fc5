import { rtcSection } from './rtc-table.ts';
import { defaultKey, optionalKey, optionalSection, requiredKey, section } from './table-shape.ts';
import { choice, documents, nonEmptyText, path, paths, serverName, upstreamPool } from './values.ts';
import { workersSection } from './worker-table.ts';

/** A certificate that the operator brings. PEM or PKCS#12, never both: `certificate-rules.ts` sees to that. */
const certificateKeys = {
  cert: optionalKey(path, {
    says: 'PEM file with the certificate first and its intermediates after it. Watched: a new file is used without a restart.',
    example: 'certs/example.pem',
    otherwise: 'a PKCS#12 file is used',
  }),
  key: optionalKey(path, {
    says: 'PEM file with the private key that belongs to `cert`.',
    example: 'certs/example.key',
    otherwise: 'a PKCS#12 file is used',
  }),
  pkcs12: optionalKey(path, {
    says: 'PKCS#12 file (.p12, .pfx) with certificate, intermediates and key, instead of `cert` and `key`.',
    example: 'certs/example.p12',
    otherwise: 'PEM files are used',
  }),
  password: optionalKey(nonEmptyText, {
    says: 'Password of the PKCS#12 file. Better kept in a file of its own: see `password_file`.',
    example: 'correct horse battery staple',
    otherwise: 'the file has no password',
    secret: true,
    file: true,
  }),
  password_file: optionalKey(path, {
    says: 'File that holds the password of the PKCS#12 file; one line end after it is ignored.',
    example: 'certs/example.password',
    otherwise: 'see `password`',
  }),
};
const certificateForms = { combinations: [['cert', 'key'], ['pkcs12']] };

/** `servers[]`: one homeserver and what is published for it. */
export const serverSection = section('One homeserver: how it is named, where it is, what is published for it.', {
  server_name: requiredKey(serverName, {
    says: 'What stands after the colon in @alice:example.com. Never changes in the life of a homeserver.',
    example: 'example.com',
    variable: 'SERVER_NAME',
    unless: 'homeserver_yaml',
  }),
  homeserver: requiredKey(upstreamPool, {
    says: 'Where the homeserver listens without TLS: http://host:port, or unix:/path/of/the.socket. A list of them for several instances of one homeserver, of which requests go to the least busy (Synapse itself has one main process).',
    example: 'http://synapse:8008',
    variable: 'HOMESERVER',
    several: true,
    unless: 'homeserver_yaml',
  }),
  delegate_to: optionalKey(serverName, {
    says: 'Where other servers should go instead of server_name:8448: a host name with or without a port.',
    example: 'matrix.example.com:443',
    otherwise: 'no delegation',
    variable: 'DELEGATE_TO',
  }),
  delegate_by: defaultKey(choice('well-known', 'srv', 'both'), {
    says: 'How the delegation is published. With srv or both, a certificate for server_name itself is needed too.',
    example: 'well-known',
    default: 'well-known',
  }),
  apex: defaultKey(choice('here', 'elsewhere'), {
    says: 'Who answers https://SERVER_NAME: this sidecar (here), or another web server (elsewhere), which then has to publish the well-known files.',
    example: 'here',
    default: 'here',
    variable: 'APEX',
  }),
  website: optionalKey(upstreamPool, {
    says: 'What else lives on https://SERVER_NAME: requests that are not for Matrix go there. One place or a list, as for `homeserver`.',
    example: 'http://web:80',
    otherwise: '404',
    variable: 'WEBSITE',
    several: true,
  }),
  certificate: optionalSection(
    'Your own certificate for this server, instead of one that the sidecar gets: `cert` and `key`, or `pkcs12`.',
    certificateKeys,
    certificateForms,
  ),
  federation_certificate: optionalSection(
    'Another certificate for the federation listener only, written like `certificate`.',
    certificateKeys,
    certificateForms,
  ),
  mas: optionalKey(upstreamPool, {
    says: 'The Matrix Authentication Service, where Synapse leaves logins to one: its listener with the resource compat. Login, logout and refresh of clients go there. One place or a list, as for `homeserver`.',
    example: 'http://mas:8080',
    otherwise: 'the homeserver logs people in',
    several: true,
  }),
  rtc: rtcSection,
  workers: workersSection,
  homeserver_yaml: optionalKey(paths, {
    says: "Synapse's own configuration: a file or a folder, or a list of them in the order of Synapse's -c, the files of workers too. What is left out here follows from it: `server_name`, `homeserver`, `mas`, `workers` (write `workers: {}` for none), and `limits.upload` where every server has one. Read at a start and at SIGHUP; `doctor` and `config check` compare the rest.",
    example: '/synapse/homeserver.yaml',
    otherwise: 'nothing follows from it',
  }),
  well_known: defaultKey(documents, {
    says: 'Documents under /.well-known/matrix/ by name (server, client, support, or any other), each a mapping that is merged over what is derived.',
    example: { support: { contacts: [{ role: 'm.role.admin', email_address: 'admin@example.com' }] } },
    default: {},
  }),
});
