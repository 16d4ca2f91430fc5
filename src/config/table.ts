import { acmeSection } from './acme-table.ts';
import { serverSection } from './server-table.ts';
import { parseStoreAddress } from './store-address.ts';
import { type Draft, defaultKey, optionalKey, type SectionList, type Sound, section } from './table-shape.ts';
import {
  choice,
  count,
  duration,
  listenAddresses,
  networks,
  path,
  processCount,
  serverPatterns,
  size,
  text,
  yesOrNo,
} from './values.ts';
import { warningsSection } from './warnings-table.ts';

const servers: SectionList<typeof serverSection.keys> = {
  kind: 'list',
  says: 'The homeservers behind this sidecar, one or more.',
  of: serverSection,
};

const listen = section('Where to listen: a port, address:port, [IPv6]:port, a list of them, or off.', {
  https: defaultKey(listenAddresses, {
    says: 'TLS for clients, federation and the well-known documents.',
    example: 443,
    default: 443,
    variable: 'LISTEN_HTTPS',
    several: true,
  }),
  federation: defaultKey(listenAddresses, {
    says: 'TLS for other servers, at the port where they look by default.',
    example: 8448,
    default: 8448,
    variable: 'LISTEN_FEDERATION',
    several: true,
  }),
  http: defaultKey(listenAddresses, {
    says: 'Plain HTTP for ACME http-01 and redirects to https.',
    example: 'off',
    default: 80,
    variable: 'LISTEN_HTTP',
    several: true,
  }),
  admin: defaultKey(listenAddresses, {
    says: 'Plain HTTP for metrics, health, the status page and the federation tester. Keep it private.',
    example: '127.0.0.1:9010',
    default: '127.0.0.1:9010',
    variable: 'LISTEN_ADMIN',
    several: true,
  }),
  proxy_protocol_from: defaultKey(networks, {
    says: 'Load balancers whose connections begin with a PROXY protocol header, version 1 or 2: addresses or networks. They must send one; nobody else may.',
    example: ['10.0.0.2', '2001:db8::/64'],
    default: [],
  }),
});

const routes = section('Who may reach what.', {
  federation_port: defaultKey(choice('federation', 'all'), {
    says: 'What the federation listener serves: federation, key and media paths, or everything that the https listener serves.',
    example: 'federation',
    default: 'federation',
  }),
  admin_api_from: defaultKey(networks, {
    says: 'Addresses or networks that may reach /_synapse/admin through the sidecar.',
    example: ['10.0.0.0/8'],
    default: [],
  }),
  blocked_networks: defaultKey(networks, {
    says: 'Addresses or networks that are answered 403, whatever they ask for over https; port 80 redirects them there as everybody.',
    example: ['198.51.100.0/24'],
    default: [],
  }),
  blocked_servers: defaultKey(serverPatterns, {
    says: 'Other servers whose federation requests are answered 403, by the name that they give (everybody may have the keys); * and ? as in server ACLs. Who lies about its name is refused by the homeserver.',
    example: ['*.spam.example'],
    default: [],
  }),
  trusted_proxies: defaultKey(networks, {
    says: 'Reverse proxies in front of this sidecar whose X-Forwarded-* and X-Request-Id headers are believed.',
    example: ['10.0.0.2'],
    default: [],
  }),
});

const federation_tester = section('The federation tester, which is always on the admin listener.', {
  public: defaultKey(yesOrNo, {
    says: 'Whether /federationtester, /api/report and /api/federation-ok are on the https listener as well, for strangers: only so many tests at a time, and of public addresses only.',
    example: true,
    default: false,
  }),
  ca_file: optionalKey(path, {
    says: 'PEM file with the authority of a private federation, which the tester trusts beside the public ones.',
    example: 'private-ca.pem',
    otherwise: 'the public authorities are trusted, and our own development authority where `certificates` is local',
  }),
});

const limits = section('Sizes (512KiB, 50M, 1GiB; 50M is 50 x 1024 x 1024 bytes) and durations (500ms, 10s, 5m).', {
  body: defaultKey(size('64KiB', '1GiB'), {
    says: 'The largest request body, media uploads apart. The default is what Synapse accepts: 200 events of 65,536 bytes.',
    example: '25M',
    default: '12.5MiB',
  }),
  upload: defaultKey(size('64KiB', '1024GiB'), {
    says: "The largest media upload. The homeserver's own limit (max_upload_size) still holds; with `homeserver_yaml` for every server, the largest of theirs is the default.",
    example: '100M',
    default: '1GiB',
  }),
  handshake: defaultKey(duration('1s', '5m'), {
    says: 'For the PROXY protocol header and the TLS handshake together.',
    example: '5s',
    default: '10s',
  }),
  request_headers: defaultKey(duration('1s', '5m'), {
    says: 'For the headers of one request to arrive.',
    example: '30s',
    default: '15s',
  }),
  keep_alive: defaultKey(duration('1s', '1h'), {
    says: 'How long an idle connection is kept open for the next request.',
    example: '2m',
    default: '75s',
  }),
  stalled: defaultKey(duration('1s', '1h'), {
    says: 'How long a transfer may stand still before it is cut. A transfer that moves may take as long as it likes.',
    example: '2m',
    default: '60s',
  }),
  hold: defaultKey(duration('0s', '55s'), {
    says: 'How long requests wait while the homeserver is away, in a restart for instance. What other servers ask with less patience waits less. 0s answers at once with 502.',
    example: '20s',
    default: '50s',
  }),
  requests_per_client: defaultKey(count(10, 1_000_000), {
    says: 'Requests of one client address (IPv6: one /64) that may be under way at once. More are answered 429.',
    example: 5000,
    default: 1000,
  }),
  requests_per_origin: defaultKey(count(1, 1_000_000), {
    says: 'Requests of one other server from one of its addresses that may be under way at once. More wait for their turn, 45 s at most, and are answered 429 then.',
    example: 20,
    default: 100,
  }),
  federation_requests: defaultKey(count(1, 1_000_000), {
    says: 'Requests of all other servers that may be under way at once, of one address half as many. More wait, and free places go round the addresses.',
    example: 200,
    default: 500,
  }),
  connections: optionalKey(count(10, 1_000_000), {
    says: 'Connections on https, federation and http together that may be open at once. When there are more, the one that has been idle longest is closed; a new one only where none is idle.',
    example: 50_000,
    otherwise: '20000, or half of the file descriptors that the process may have, where that is less',
  }),
  connections_per_client: defaultKey(count(10, 1_000_000), {
    says: 'Connections of one client address (IPv6: one /64) that may be open at once; half of all connections at most. More are closed at once. Those of `trusted_proxies` are not counted.',
    example: 10_000,
    default: 4000,
  }),
  idle_connections: defaultKey(count(10, 1_000_000), {
    says: 'Connections without a request under way that are kept open, those in the handshake among them, each in up to 80 KiB of memory. With more, the one that has been idle longest is closed.',
    example: 10_000,
    default: 1000,
  }),
  drain: defaultKey(duration('0s', '1h'), {
    says: 'How long running requests may take to finish after SIGTERM.',
    example: '10s',
    default: '30s',
  }),
});

const log = section(
  'What is logged: one JSON object a line, or lines for people where standard output is a terminal.',
  {
    level: defaultKey(choice('trace', 'debug', 'info', 'warn', 'error', 'silent'), {
      says: 'The least important message that is written.',
      example: 'debug',
      default: 'info',
      variable: 'LOG_LEVEL',
    }),
    requests: defaultKey(choice('off', 'errors', 'all'), {
      says: 'One line a request: for none, for those that failed, or for all. That of a WebSocket is written when it is closed.',
      example: 'all',
      default: 'errors',
    }),
  },
);

/** The whole configuration: the one place where a key is described. */
export const configTable = section('The configuration of matrix-sidecar.', {
  servers,
  listen,
  routes,
  certificates: optionalKey(choice('acme', 'local', 'files'), {
    says: 'Where certificates come from: an ACME authority, a development authority of our own (local), or your files only.',
    example: 'acme',
    otherwise: 'acme, or files when every server brings its `certificate`',
    variable: 'CERTIFICATES',
  }),
  acme: acmeSection,
  store: defaultKey(text(parseStoreAddress), {
    says: 'Where certificates and accounts are kept: a folder, or postgres://user:password@host:5432/database to share them between several sidecars. Those need the same servers: one of them orders for all, by its own configuration.',
    example: 'certs',
    default: 'certs',
    variable: 'STORE',
    secret: true,
  }),
  warnings: warningsSection,
  federation_tester,
  limits,
  processes: defaultKey(processCount, {
    says: 'How many processes serve: 1 to 64, or auto for one on each processor. With more than one, SIGHUP replaces them one by one (an upgrade too), and one that dies is replaced; docs/processes.md says more. What `limits` counts, it counts in each process.',
    example: 'auto',
    default: 1,
    variable: 'PROCESSES',
  }),
  log,
});

export type ConfigDraft = Draft<typeof configTable.keys>;
export type SoundConfig = Sound<typeof configTable.keys>;
export type ServerDraft = Draft<typeof serverSection.keys>;
export type SoundServer = Sound<typeof serverSection.keys>;
