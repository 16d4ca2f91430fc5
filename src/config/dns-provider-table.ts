import { dnsName, dnsServer, serviceUrl } from './network-values.ts';
import { optionalSecret, requiredSecret } from './secret-keys.ts';
import { defaultKey, optionalKey, requiredKey, section, variants } from './table-shape.ts';
import { absolutePath, base64, choice, duration, nonEmptyText, path, word } from './values.ts';

function provider<const N extends string>(name: N) {
  return requiredKey(choice(name), { says: 'Which form this is.', example: name });
}

/** The same for every provider. */
const waiting = {
  propagation_timeout: defaultKey(duration('10s', '2h'), {
    says: "How long the zone's name servers may take to show a record. They are asked all the while; once all show it, nothing more is waited for.",
    example: '20m',
    default: '5m',
  }),
};

/** `acme.dns`: who writes the TXT records of dns-01. */
export const dnsProviders = variants('Who writes the TXT records of dns-01, one of these providers.', 'provider', {
  rfc2136: section('Your own name server (BIND, Knot, PowerDNS), by dynamic updates (RFC 2136) signed with TSIG.', {
    provider: provider('rfc2136'),
    server: requiredKey(dnsServer, {
      says: 'The primary name server of the zone: host or host:port, port 53 unless another is written.',
      example: 'ns1.example.com',
    }),
    key_name: requiredKey(dnsName, {
      says: 'Name of the TSIG key, as the name server calls it.',
      example: 'matrix-sidecar',
    }),
    ...requiredSecret('key_secret', base64, {
      says: 'The TSIG key, base64.',
      example: 'c2hhcmVkIHdpdGggdGhlIG5hbWUgc2VydmVyLCAzMg==',
      exampleFile: 'certs/tsig.key',
    }),
    algorithm: defaultKey(choice('hmac-sha256', 'hmac-sha384', 'hmac-sha512'), {
      says: 'What the TSIG key is for.',
      example: 'hmac-sha512',
      default: 'hmac-sha256',
    }),
    zone: optionalKey(dnsName, {
      says: 'The zone to update.',
      example: 'example.com',
      otherwise: 'found by its SOA record',
    }),
    ...waiting,
  }),
  cloudflare: section('A zone at Cloudflare.', {
    provider: provider('cloudflare'),
    ...requiredSecret('api_token', word, {
      says: 'API token (not the global key) with the permissions Zone / Zone / Read, to find the zone, and Zone / DNS / Edit, to write the record. The template "Edit zone DNS" has only the second.',
      example: 'AbCdEf0123456789AbCdEf0123456789AbCdEf01',
      exampleFile: 'certs/cloudflare.token',
    }),
    ...waiting,
  }),
  'acme-dns': section('An acme-dns server, to which _acme-challenge leads by a CNAME record.', {
    provider: provider('acme-dns'),
    server: requiredKey(serviceUrl, {
      says: 'URL of its API.',
      example: 'https://auth.example.org',
    }),
    account_file: requiredKey(path, {
      says: 'JSON file with the account as its /register answered, or several of them by the name that they are for, as lego keeps them.',
      example: 'certs/acme-dns.json',
    }),
    ...waiting,
  }),
  exec: section('A program of yours, called as lego calls it for its provider exec.', {
    provider: provider('exec'),
    program: requiredKey(absolutePath, {
      says: 'The program, with its whole path.',
      example: '/usr/local/bin/update-dns',
    }),
    mode: defaultKey(choice('default', 'raw'), {
      says: 'Its arguments: present or cleanup with the name and the value of the record (default), or with domain, token and key authorization (raw).',
      example: 'raw',
      default: 'default',
    }),
    timeout: defaultKey(duration('1s', '1h'), {
      says: 'How long one call of the program may take.',
      example: '15m',
      default: '5m',
    }),
    ...waiting,
  }),
  httpreq: section('A web service of yours, asked as lego asks it for its provider httpreq.', {
    provider: provider('httpreq'),
    url: requiredKey(serviceUrl, {
      says: 'Where it is; /present and /cleanup below it are posted to.',
      example: 'https://dns.example.com/acme',
    }),
    mode: defaultKey(choice('default', 'raw'), {
      says: 'What is posted: fqdn and value of the record (default), or domain, token and keyAuth (raw).',
      example: 'raw',
      default: 'default',
    }),
    username: optionalKey(nonEmptyText, {
      says: 'User name for HTTP basic authentication.',
      example: 'matrix-sidecar',
      otherwise: 'no authentication',
    }),
    ...optionalSecret('password', nonEmptyText, {
      says: 'Password that belongs to `username`.',
      example: 'correct horse battery staple',
      exampleFile: 'certs/httpreq.password',
      otherwise: 'no authentication',
    }),
    ...waiting,
  }),
});
