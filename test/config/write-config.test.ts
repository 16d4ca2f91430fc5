import { describe, expect, it } from 'vitest';
import { parseDuration, parseSize } from '../../src/base/quantity.ts';
import type { Config } from '../../src/config/config.ts';
import { redactPassword } from '../../src/config/store-address.ts';
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
    website: http://web
    well_known: { client: { m.x: [1, null, "off", "1"] }, support: { contacts: [] } }
    certificate: { cert: a.pem, key: a.key }
    federation_certificate: { pkcs12: a.p12 }
  - server_name: example.org
    homeserver: http://[::1]:8008
    delegate_to: m.example.org
    delegate_by: both
listen: { https: [443, "127.0.0.1:444"], http: off, proxy_protocol_from: 10.0.0.1 }
routes: { federation_port: all, admin_api_from: ["::1", 10.0.0.0/8], trusted_proxies: 10.0.0.2 }
certificates: local
acme: { directory: zerossl, email: a@b.c, challenges: [http-01, tls-alpn-01], ca_file: ca.pem }
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
