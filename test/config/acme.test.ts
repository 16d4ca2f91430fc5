import { describe, expect, it } from 'vitest';
import type { AcmeConfig } from '../../src/config/config.ts';
import { formatConfigProblems } from '../../src/config/format-problems.ts';
import { loadText } from './load-file.ts';

type Files = Record<string, string>;

const SERVER = 'servers: [{ server_name: example.com, homeserver: "http://a:8008" }]';

/** The section `acme` of a configuration whose other parts are the least. */
function read(acme: string, files: Files = {}): AcmeConfig {
  const loaded = loadText(`${SERVER}\nacme: ${acme}`, { files });
  if (!loaded.ok) throw new Error(formatConfigProblems(loaded.problems));
  return loaded.config.acme;
}

function complain(acme: string, files: Files = {}, rest = SERVER): string {
  const loaded = loadText(`${rest}\nacme: ${acme}`, { files });
  return loaded.ok ? '' : formatConfigProblems(loaded.problems);
}

describe('the authority and the certificate that it gives', () => {
  it.each<[string, Partial<AcmeConfig>]>([
    ['{ agree_to_terms: false, directory: "https://ca.example.com/acme" }', { agreeToTerms: false }],
    ['{ profile: shortlived }', { profile: 'shortlived' }],
    ['{ key: ecdsa-p384 }', { key: 'ecdsa-p384' }],
    ['{ key: rsa-2048 }', { key: 'rsa-2048' }],
    ['{ preferred_chain: ISRG Root X1 }', { preferredChain: 'ISRG Root X1' }],
    [
      '{ external_account: { key_id: kid, hmac_key: "a-_B+/c=" } }',
      { externalAccount: { keyId: 'kid', hmacKey: 'a-_B+/c=' } },
    ],
    [
      '{ fallback: { directory: letsencrypt-staging } }',
      {
        fallback: {
          directory: 'https://acme-staging-v02.api.letsencrypt.org/directory',
          externalAccount: undefined,
          caFile: undefined,
        },
      },
    ],
    [
      '{ fallback: { directory: google, external_account: { key_id: "1", hmac_key: a2V5 }, ca_file: b.pem } }',
      {
        fallback: {
          directory: 'https://dv.acme-v02.api.pki.goog/directory',
          externalAccount: { keyId: '1', hmacKey: 'a2V5' },
          caFile: '/srv/b.pem',
        },
      },
    ],
    ['{ external_account:, fallback:, dns: }', { externalAccount: undefined, fallback: undefined, dns: undefined }],
    ['{ resolvers: 192.0.2.53 }', { resolvers: [{ host: '192.0.2.53', port: 53, text: '192.0.2.53:53' }] }],
    [
      '{ resolvers: ["::1", "[::1]:5353"] }',
      {
        resolvers: [
          { host: '::1', port: 53, text: '[::1]:53' },
          { host: '::1', port: 5353, text: '[::1]:5353' },
        ],
      },
    ],
  ])('%s', (acme, expected) => {
    expect(read(acme)).toMatchObject(expected);
  });
});

describe('the provider of DNS records', () => {
  const withDns = (dns: string, files: Files = {}) => read(`{ challenges: [dns-01], dns: ${dns} }`, files).dns;

  it.each([
    [
      '{ provider: rfc2136, server: ns1.example.com, key_name: ACME-Key., key_secret: c2VjcmV0 }',
      {
        provider: 'rfc2136',
        server: { host: 'ns1.example.com', port: 53, text: 'ns1.example.com:53' },
        keyName: 'acme-key',
        keySecret: 'c2VjcmV0',
        algorithm: 'hmac-sha256',
        zone: undefined,
      },
    ],
    [
      '{ provider: rfc2136, server: "[::1]:5353", key_name: k, key_secret: c2VjcmV0, algorithm: hmac-sha512, zone: _acme.Example.com. }',
      {
        provider: 'rfc2136',
        server: { host: '::1', port: 5353, text: '[::1]:5353' },
        keyName: 'k',
        keySecret: 'c2VjcmV0',
        algorithm: 'hmac-sha512',
        zone: '_acme.example.com',
      },
    ],
    ['{ provider: cloudflare, api_token: abc }', { provider: 'cloudflare', apiToken: 'abc' }],
    [
      '{ provider: acme-dns, server: "http://auth.example.org:8080/", account_file: certs/a.json }',
      { provider: 'acme-dns', server: 'http://auth.example.org:8080', accountFile: '/srv/certs/a.json' },
    ],
    [
      '{ provider: exec, program: /usr/bin/x }',
      { provider: 'exec', program: '/usr/bin/x', mode: 'default', timeout: 300_000 },
    ],
    ['{ provider: exec, program: /x, mode: raw }', { provider: 'exec', program: '/x', mode: 'raw', timeout: 300_000 }],
    [
      '{ provider: httpreq, url: "https://dns.example.com/acme/" }',
      { provider: 'httpreq', url: 'https://dns.example.com/acme', mode: 'default', login: undefined },
    ],
    [
      '{ provider: httpreq, url: "https://h", mode: raw, username: u, password: " p w " }',
      { provider: 'httpreq', url: 'https://h', mode: 'raw', login: { username: 'u', password: ' p w ' } },
    ],
  ])('%s', (dns, expected) => {
    expect(withDns(dns)).toEqual({ ...expected, propagationTimeout: 300_000 });
  });

  it.each([
    ['{ provider: exec, program: /x, timeout: 15m, propagation_timeout: 2h }', 900_000, 7_200_000],
    ['{ provider: cloudflare, api_token: t, propagation_timeout: 10s }', undefined, 10_000],
  ])('waits as long as it is told: %s', (dns, timeout, propagationTimeout) => {
    expect(withDns(dns)).toMatchObject({ ...(timeout === undefined ? {} : { timeout }), propagationTimeout });
  });

  it.each([
    ['{ provider: cloudflare, api_token_file: t }', 'token\r\n', { apiToken: 'token' }],
    ['{ provider: cloudflare, api_token_file: /srv/t }', ' token \n\n', { apiToken: 'token' }],
    ['{ provider: rfc2136, server: a, key_name: k, key_secret_file: t }', 'c2VjcmV0\n', { keySecret: 'c2VjcmV0' }],
    [
      '{ provider: httpreq, url: "https://h", username: u, password_file: t }',
      ' p w \n',
      { login: { username: 'u', password: ' p w ' } },
    ],
  ])('reads its secret from a file: %s', (dns, content, expected) => {
    expect(withDns(dns, { '/srv/t': content })).toMatchObject(expected);
  });

  it('is noticed when it is never used', () => {
    const dns = 'dns: { provider: exec, program: /x }';
    expect(loadText(`${SERVER}\nacme: { ${dns} }`).notices).toEqual([
      'acme.dns is never used: dns-01 is not among acme.challenges',
    ]);
    expect(loadText(`${SERVER}\nacme: { challenges: [http-01, dns-01], ${dns} }`).notices).toEqual([]);
    expect(loadText(`${SERVER}\ncertificates: local\nacme: { ${dns} }`).notices).toEqual([]);
  });
});

describe('secrets that cannot be read', () => {
  const eab = (keys: string) => `{ external_account: { key_id: a, ${keys} } }`;

  it.each([
    [eab('hmac_key_file: f'), 'x y', 'hmac_key_file: what the file f holds is not base64.'],
    [eab('hmac_key_file: f'), 'abcde', 'hmac_key_file: what the file f holds is not base64.'],
    [eab('hmac_key_file: f'), '\n', 'hmac_key_file: the file f is empty.'],
    [eab('hmac_key_file: g'), '', 'hmac_key_file: the file g does not exist.'],
    [eab('hmac_key_file: f, hmac_key: a2V5'), 'a2V5', 'hmac_key_file: stands beside hmac_key. Keep one of the two.'],
    [eab('hmac_key_file: '), '', 'hmac_key_file: has no value.'],
    [eab('hmac_key: '), '', 'hmac_key: has no value.'],
    [eab('hmac_key: ""'), '', 'hmac_key: is not base64.'],
    [eab('hmac_key_fil: f'), '', 'hmac_key_fil: there is no key "hmac_key_fil" here. Did you mean hmac_key_file?'],
    [eab('hmac_key_file: *f'), '', 'hmac_key_file: in YAML an asterisk repeats'],
    [
      '{ dns: { provider: cloudflare, api_token_file: f } }',
      'hunter 2',
      'api_token_file: what the file f holds has white space in it.',
    ],
  ])('get one sentence without their value: %s', (acme, content, expected) => {
    const text = complain(acme, { '/srv/f': content });
    expect(text.trim().split('\n')).toHaveLength(1);
    expect(text).toContain(expected);
    expect(text).not.toContain('hunter');
  });
});

describe('what a chosen authority needs', () => {
  const servers = (names: string) => `servers: [${names}]`;
  const one = '{ server_name: example.com, homeserver: "http://a" }';
  const own = '{ server_name: 192.0.2.1, homeserver: "http://a", certificate: { cert: a, key: b } }';

  it.each([
    [
      'an account of its own at zerossl',
      SERVER,
      '{ directory: zerossl }',
      /^sidecar\.yaml:2:20 acme\.directory: zerossl/,
    ],
    [
      'the same by its URL',
      SERVER,
      '{ directory: "https://ACME.ZeroSSL.com/v2/DV90/" }',
      /acme\.directory: zerossl gives accounts only to customers/,
    ],
    [
      'the same for the fallback',
      SERVER,
      '{ fallback: { directory: google } }',
      /acme\.fallback\.directory: google .* gcloud/,
    ],
    [
      'another authority to fall back to, however it is written',
      SERVER,
      '{ fallback: { directory: "HTTPS://acme-v02.api.letsencrypt.org:443/directory" } }',
      /acme\.fallback\.directory: letsencrypt is the first authority as well\. Name another one/,
    ],
    ['agreement to its terms', SERVER, '{ agree_to_terms: false }', /agree_to_terms: letsencrypt gives no account/],
    [
      'agreement to those of the fallback',
      SERVER,
      '{ agree_to_terms: false, directory: "https://a/b", fallback: { directory: letsencrypt } }',
      /agree_to_terms: letsencrypt gives no account/,
    ],
    ['a provider for dns-01', SERVER, '{ challenges: [http-01, dns-01] }', /acme\.challenges: dns-01 needs acme\.dns/],
    [
      'a challenge that proves an address',
      servers('{ server_name: 192.0.2.1, homeserver: "http://a" }'),
      '{ challenges: [dns-persist-01] }',
      /servers\[0\]\.server_name: "192\.0\.2\.1" is an IP address/,
    ],
    [
      'one whose listener is open',
      `${servers(`{ server_name: "[2001:db8::1]:1", homeserver: "http://a" }, ${one}`)}\nlisten: { http: off }`,
      '{ challenges: [dns-persist-01, http-01] }',
      /servers\[0\]\.server_name: "\[2001:db8::1\]:1" is an IP address/,
    ],
  ])('is asked for: %s', (_, rest, acme, expected) => {
    const text = complain(acme, {}, rest);
    expect(text).toMatch(expected);
    expect(text.trim().split('\n')).toHaveLength(1);
  });

  it.each([
    [
      'when there is no ACME',
      `certificates: local\n${SERVER}`,
      '{ directory: zerossl, agree_to_terms: false, challenges: [dns-01] }',
    ],
    ['of a private authority', SERVER, '{ directory: "https://ca.example.com/", agree_to_terms: false }'],
    ['when every server brings its certificate', servers(own), '{ directory: google }'],
    ['of an address with its own certificate', servers(`${own}, ${one}`), '{ challenges: [dns-persist-01] }'],
    [
      'of listeners, when the DNS is enough',
      `${SERVER}\nlisten: { http: off, https: off }`,
      '{ challenges: [dns-persist-01] }',
    ],
    [
      'of another authority than the first',
      SERVER,
      '{ directory: "https://acme-v02.api.letsencrypt.org/other", fallback: { directory: letsencrypt } }',
    ],
  ])('is not asked for %s', (_, rest, acme) => {
    expect(complain(acme, {}, rest)).toBe('');
  });
});

describe('a name that no public authority signs', () => {
  const own = 'certificate: { cert: a.pem, key: a.key }';
  const complaints = (servers: string, more: string): string[] => {
    const loaded = loadText(`servers: [${servers}]\n${more}`);
    return loaded.ok ? [] : loaded.problems.map(({ key, what }) => `${key} ${what}`);
  };
  const server = (name: string, more = ''): string => `{ server_name: "${name}", homeserver: "http://a"${more} }`;

  it.each([
    ['localhost', /^servers\[0\]\.server_name "localhost" is what each machine calls itself, and letsencrypt, /],
    ['a.localhost:8448', /"a\.localhost" is what each machine/],
    ['Synapse', /"synapse" has no dot/],
    ['127.0.0.1', /"127\.0\.0\.1" is an address of a private network/],
    ['10.1.2.3', /private/],
    ['172.31.0.1', /private/],
    ['169.254.1.1', /private/],
    ['100.64.0.1', /private/],
    ['[::1]', /"::1" is an address of a private network/],
    ['[fe80::1]', /private/],
    ['[fd12:3456::1]:8448', /private/],
  ])('is refused: %s', (name, message) => {
    const found = complaints(server(name), '');
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(message);
  });

  it.each([
    ['a public address', server('198.41.0.4'), ''],
    ['another public address', server('[2001:503:ba3e::2:30]'), ''],
    ['a name with a dot', server('a.internal'), ''],
    ['with the development authority', server('localhost'), 'certificates: local'],
    ['with its own files', server('localhost', `, ${own}`), 'certificates: acme'],
    ['with a private directory', server('localhost'), 'acme: { directory: "https://ca.lan/acme", ca_file: ca.pem }'],
    ['with an unknown directory', server('localhost'), 'acme: { directory: "https://ca.lan/acme" }'],
    [
      'where only the delegated host needs one',
      server('intranet', ', delegate_to: m.example.com, apex: elsewhere'),
      '',
    ],
  ])('is no matter for %s', (_, servers, more) => {
    expect(complaints(servers, more)).toEqual([]);
  });

  it.each([
    ['the delegated host', server('example.com', ', delegate_to: matrix'), ['servers[0].delegate_to']],
    [
      'the server name, delegated by SRV',
      server('intranet', ', delegate_to: m.example.com, delegate_by: srv, apex: elsewhere'),
      ['servers[0].server_name'],
    ],
    ['both', server('intranet', ', delegate_to: matrix'), ['servers[0].server_name', 'servers[0].delegate_to']],
  ])('is refused as %s', (_, servers, keys) => {
    expect(
      complaints(servers, '')
        .map((line) => line.split(' ')[0])
        .toSorted(),
    ).toEqual(keys.toSorted());
  });
});
