import { describe, expect, it } from 'vitest';
import { parseDuration, parseSize } from '../../src/base/quantity.ts';
import type { Config } from '../../src/config/config.ts';
import { redactPassword } from '../../src/config/hidden.ts';
import { writeConfig } from '../../src/config/write-config.ts';
import { writeDuration, writeSize } from '../../src/config/write-quantity.ts';
import { loadText } from './load-file.ts';

function load(yaml: string): Config {
  const loaded = loadText(yaml);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.config;
}

const FULL = `
servers:
  - server_name: Example.com
    homeserver: unix:/run/synapse.sock
    delegate_to: "[2001:db8::1]:443"
    apex: elsewhere
    website: [http://web, "http://web2:81"]
    mas: http://mas:8080
    rtc: { jwt: [http://jwt1:8080, http://jwt2:8080], sfu: http://sfu:7880, host: rtc.example.com }
    well_known: { client: { m.x: [1, null, "off", "1"] }, support: { contacts: [] } }
    certificate: { cert: a.pem, key: a.key }
    federation_certificate: { pkcs12: a.p12 }
  - server_name: example.org
    homeserver: ["http://[::1]:8008", unix:/run/b.sock]
    delegate_to: m.example.org
    delegate_by: both
    workers:
      generic: [http://w1:8081, "unix:/run/w2.sock"]
      media: http://m
      stream_writers: { typing: http://t:1, receipts: [http://a, http://b] }
      background: http://s
  - { server_name: example.net, homeserver: http://n, workers: { stream_writers: { presence: http://p } } }
listen: { https: [443, "127.0.0.1:444"], http: off, proxy_protocol_from: 10.0.0.1 }
routes: { federation_port: all, admin_api_from: ["::1", 10.0.0.0/8], trusted_proxies: 10.0.0.2 }
certificates: local
acme:
  directory: zerossl
  email: a@b.c
  agree_to_terms: false
  ca_file: ca.pem
  challenges: [dns-persist-01, dns-01, http-01, tls-alpn-01]
  dns: { provider: exec, program: /usr/bin/x, mode: raw, timeout: 90s, propagation_timeout: 1h }
  resolvers: [192.0.2.53, "2001:db8::53", "[::1]:5353"]
  profile: tlsserver
  key: rsa-4096
  preferred_chain: Some Root X9
  fallback: { directory: "https://ca.example.com/acme", ca_file: /b.pem }
store: postgres://db/x
limits: { body: 1234567, upload: 3GB, handshake: 1500ms, drain: 0s }
log: { level: silent, requests: all }
`;

describe('the effective configuration as YAML', () => {
  it.each([
    ['the smallest', 'servers: [{ server_name: a.org, homeserver: "http://a" }]'],
    ['one with everything', FULL],
  ])('loads again and means the same: %s', (_, yaml) => {
    const config = load(yaml);
    expect(JSON.stringify(load(writeConfig(config)))).toBe(JSON.stringify(config));
  });

  it('shows no secret, and still loads', () => {
    const yaml = `
servers: [{ server_name: a.org, homeserver: "http://a", certificate: { pkcs12: a.p12, password: hunter2 } }]
store: postgres://u:hunter2@db/x?sslmode=require
`;
    const shown = writeConfig(load(yaml));
    expect(shown).not.toContain('hunter2');
    expect(load(shown)).toMatchObject({
      servers: [{ certificate: { password: '[redacted]' } }],
      store: { url: 'postgres://u:[redacted]@db/x?sslmode=require' },
    });
  });
});

const least = 'servers: [{ server_name: a.org, homeserver: "http://a" }]';

describe('secrets of ACME', () => {
  const account = '{ key_id: kid, hmac_key: aHVudGVyMg }';
  const shownAccount = { keyId: 'kid', hmacKey: '[redacted]' };

  it.each<[string, (config: Config) => unknown, unknown]>([
    [`acme: { external_account: ${account} }`, (c) => c.acme.externalAccount, shownAccount],
    [
      `acme: { fallback: { directory: zerossl, external_account: ${account} } }`,
      (c) => c.acme.fallback?.externalAccount,
      shownAccount,
    ],
    [
      'acme: { dns: { provider: rfc2136, server: "::1", key_name: K., key_secret: aHVudGVyMg, zone: a.org } }',
      (c) => c.acme.dns,
      {
        server: { host: '::1', port: 53, text: '[::1]:53' },
        keyName: 'k',
        keySecret: '[redacted]',
        algorithm: 'hmac-sha256',
        zone: 'a.org',
      },
    ],
    [
      'acme: { dns: { provider: cloudflare, api_token: aHVudGVyMg } }',
      (c) => c.acme.dns,
      { provider: 'cloudflare', apiToken: '[redacted]' },
    ],
    [
      'acme: { dns: { provider: httpreq, url: "http://h/x", mode: raw, username: u, password: aHVudGVyMg } }',
      (c) => c.acme.dns,
      { url: 'http://h/x', mode: 'raw', login: { username: 'u', password: '[redacted]' } },
    ],
    [
      'warnings: { webhook: "https://h.example.com:8443/aHVudGVyMg?aHVudGVyMg" }',
      (c) => c.warnings.webhook,
      'https://h.example.com:8443/[redacted]',
    ],
    [
      'warnings: { matrix: { homeserver: "https://m.example.org/", room: "!a:b", token: aHVudGVyMg } }',
      (c) => c.warnings.matrix,
      { homeserver: 'https://m.example.org', room: '!a:b', token: '[redacted]' },
    ],
  ])('are not shown, and the rest still loads: %s', (top, read, expected) => {
    const shown = writeConfig(load(`${least}\n${top}`));
    expect(shown).not.toContain('aHVudGVyMg');
    expect(read(load(shown))).toEqual(typeof expected === 'object' ? expect.objectContaining(expected) : expected);
  });

  it('are asked for when a shown configuration is loaded', () => {
    const shown = writeConfig(load(`${least}\nacme: { external_account: ${account} }`));
    expect(loadText(shown).notices).toEqual([expect.stringMatching(/^\[redacted\] stands in the configuration/)]);
  });

  it.each([
    '{ provider: acme-dns, server: "https://auth.example.org", account_file: /srv/a.json }',
    '{ provider: exec, program: /usr/bin/x }',
    '{ provider: httpreq, url: "https://h" }',
  ])('are none in %s, which means the same when it is shown', (dns) => {
    const config = load(`${least}\nacme: { challenges: [dns-01], dns: ${dns} }`);
    expect(JSON.stringify(load(writeConfig(config)))).toBe(JSON.stringify(config));
  });
});

describe('passwords in a database URL', () => {
  it.each([
    ['postgres://u:p@h/d', 'postgres://u:[redacted]@h/d'],
    ['postgresql://u:p@x:y@h:5432/d', 'postgresql://u:[redacted]@h:5432/d'],
    ['postgres://u@h/d', 'postgres://u@h/d'],
    ['postgres://h/d', 'postgres://h/d'],
    ['postgres://h/d?user=u&password=p&x=1', 'postgres://h/d?user=u&password=[redacted]&x=1'],
    ['postgres://:p@h/d?a=@', 'postgres://:[redacted]@h/d?a=@'],
  ])('%s becomes %s', (url, expected) => {
    expect(redactPassword(url)).toBe(expected);
  });
});

describe('quantities', () => {
  it.each([0, 1, 100, 1024, 65_536, 1_234_567, 13_107_200, 1_073_741_824, 3_000_000_000])('%i bytes read back', (n) => {
    expect(parseSize(writeSize(n))).toEqual({ ok: true, value: n });
  });

  it.each([0, 1, 999, 1000, 1500, 1234, 60_000, 75_000, 90_000, 3_600_000])('%i ms read back', (n) => {
    expect(parseDuration(writeDuration(n))).toEqual({ ok: true, value: n });
  });
});
