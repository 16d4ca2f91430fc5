import { generateKeyPairSync } from 'node:crypto';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { caFolder } from '../../src/acme/ca-folder.ts';
import { asTranscript, type Given, runAdvise, transcript } from './advise-bench.ts';

const LETS_ENCRYPT = 'https://acme-v02.api.letsencrypt.org/directory';

function account(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
  return JSON.stringify({ key, url: 'https://acme-v02.api.letsencrypt.org/acme/acct/4711', contact: [] });
}

const ACCOUNT_FILE = `certs/acme/${caFolder(LETS_ENCRYPT)}/account.json`;
const HOSTED = `servers:
  - server_name: example.org
    homeserver: http://127.0.0.1:8009
    delegate_to: org.host.net:443
    apex: elsewhere
  - server_name: example.net
    homeserver: http://127.0.0.1:8010
    delegate_to: net.host.net:443
    delegate_by: srv
    apex: elsewhere
acme:
  challenges: [tls-alpn-01, http-01, dns-persist-01]
`;

const TRANSCRIPTS: Readonly<Record<string, Given>> = {
  'direct-8448': { env: { SERVER_NAME: 'example.com', HOMESERVER: 'http://synapse:8008' } },
  'environment-elsewhere': {
    env: {
      ...{ SERVER_NAME: 'example.com', HOMESERVER: 'http://synapse:8008' },
      ...{ DELEGATE_TO: 'matrix.example.com:443', APEX: 'elsewhere' },
    },
  },
  'well-known-here': {
    yaml: `servers:
  - server_name: example.com
    homeserver: http://synapse:8008
    delegate_to: matrix.example.com:443
`,
  },
  'well-known-elsewhere': {
    yaml: `servers:
  - server_name: example.com
    homeserver: http://synapse:8008
    delegate_to: matrix.example.com:443
    apex: elsewhere
    well_known:
      support: { contacts: [ { role: m.role.admin, email_address: admin@example.com } ] }
`,
  },
  'well-known-without-a-port': {
    yaml: `servers:
  - server_name: example.com
    homeserver: http://synapse:8008
    delegate_to: matrix.example.com
    apex: elsewhere
`,
  },
  'srv-elsewhere': {
    yaml: `servers:
  - server_name: example.com
    homeserver: http://synapse:8008
    delegate_to: matrix.example.com:443
    delegate_by: srv
    apex: elsewhere
`,
  },
  'srv-by-dns-persist': {
    yaml: `servers:
  - server_name: example.org
    homeserver: http://synapse:8008
    delegate_to: matrix.host.net:443
    delegate_by: srv
    apex: elsewhere
acme:
  challenges: [tls-alpn-01, dns-persist-01]
`,
    files: { [ACCOUNT_FILE]: account() },
  },
  'srv-by-dns-01': {
    yaml: `servers:
  - server_name: example.org
    homeserver: http://synapse:8008
    delegate_to: matrix.host.net:443
    delegate_by: srv
    apex: elsewhere
acme:
  challenges: [dns-01]
  dns: { provider: rfc2136, server: 192.0.2.53, key_name: sidecar, key_secret: c2VjcmV0, zone: host.net }
`,
  },
  'srv-by-acme-dns': {
    yaml: `servers:
  - server_name: example.org
    homeserver: http://synapse:8008
    delegate_to: matrix.host.net:443
    delegate_by: srv
    apex: elsewhere
acme:
  challenges: [tls-alpn-01, dns-01]
  dns: { provider: acme-dns, server: https://auth.host.net, account_file: acme-dns.json }
`,
    files: {
      'acme-dns.json': JSON.stringify({
        'example.org': { username: 'u', password: 'p', fulldomain: 'd420c923.auth.host.net', subdomain: 'd420c923' },
      }),
    },
  },
  'srv-here': {
    yaml: `servers:
  - server_name: example.com
    homeserver: http://synapse:8008
    delegate_to: matrix.example.com:8448
    delegate_by: srv
`,
  },
  'both-here': {
    yaml: `servers:
  - server_name: example.com
    homeserver: http://synapse:8008
    delegate_to: matrix.example.com:443
    delegate_by: both
`,
  },
  'ipv4-literal': {
    env: { SERVER_NAME: '198.51.100.7', HOMESERVER: 'http://localhost:8008', CERTIFICATES: 'local', STORE: '/certs' },
  },
  'ipv6-literal': {
    yaml: `servers:
  - { server_name: "[2001:470:1f0b::7]:8448", homeserver: "http://[::1]:8008" }
`,
  },
  'explicit-port': {
    yaml: `servers:
  - { server_name: "example.com:8449", homeserver: "http://synapse:8008" }
listen: { federation: 8449 }
`,
  },
  'several-servers': {
    yaml: `servers:
  - { server_name: example.com, homeserver: "http://one:8008" }
  - { server_name: example.net, homeserver: "http://two:8008", delegate_to: "matrix.example.net:443" }
`,
  },
  'hosting-for-others': { yaml: HOSTED },
  'hosting-one-of-them': { yaml: HOSTED, args: ['example.org', '--web', 'apache'] },
  'unix-socket': {
    yaml: `servers:
  - { server_name: example.com, homeserver: "unix:/run/synapse/main.sock" }
limits: { upload: 100M }
`,
  },
  'own-certificates': {
    yaml: `servers:
  - server_name: example.com
    homeserver: http://synapse:8008
    delegate_to: matrix.example.com:443
    certificate: { cert: /certs/example.pem, key: /certs/example.key }
    federation_certificate: { cert: /certs/federation.pem, key: /certs/federation.key }
certificates: files
`,
  },
  'local-ca': {
    yaml: `servers:
  - { server_name: hs1.internal, homeserver: "http://127.0.0.1:8008" }
certificates: local
store: /var/lib/matrix-sidecar
`,
  },
  'no-public-name': {
    yaml: `servers:
  - { server_name: hs1.test, homeserver: "http://synapse:8008" }
`,
  },
  'nothing-delegated-elsewhere': {
    yaml: `servers:
  - { server_name: example.com, homeserver: "http://synapse:8008", apex: elsewhere }
`,
  },
  'nothing-on-8448': {
    yaml: `servers:
  - { server_name: example.com, homeserver: "http://synapse:8008" }
listen: { federation: off }
`,
  },
  'mapped-ports': {
    yaml: `servers:
  - { server_name: example.com, homeserver: "http://synapse:8008" }
listen: { https: 10443, federation: 18448, http: 10080 }
`,
  },
  'document-replaced': {
    yaml: `servers:
  - server_name: example.com
    homeserver: http://synapse:8008
    delegate_to: matrix.example.com:443
    well_known:
      server: { m.server: "other.example.com:443" }
      client: { m.identity_server: { base_url: "https://vector.im" } }
`,
  },
  'every-website': {
    yaml: `servers:
  - { server_name: example.org, homeserver: "http://synapse:8008", delegate_to: "matrix.host.net:443", apex: elsewhere }
`,
    args: ['--web', 'all'],
  },
  'wrong-name': { env: { SERVER_NAME: 'example.com', HOMESERVER: 'http://synapse:8008' }, args: ['example.org'] },
};

describe('advise', () => {
  it.each(Object.entries(TRANSCRIPTS))('writes what test/golden/advise/%s.txt has', async (name, given) => {
    const ran = await runAdvise(given);
    await expect(asTranscript(given, ran)).toMatchFileSnapshot(transcript(name));
    expect(ran.code).toBe(name === 'wrong-name' ? 1 : 0);
  });

  it('gives the same facts as JSON', async () => {
    const given = { yaml: HOSTED, args: ['--format', 'json'] };
    const ran = await runAdvise(given);
    const { servers } = JSON.parse(ran.out) as { servers: Record<string, unknown>[] };
    expect(servers.map(({ server_name }) => server_name)).toEqual(['example.org', 'example.net']);
    const text = (await runAdvise({ yaml: HOSTED, args: ['--web', 'all'] })).out;
    const said = JSON.stringify(servers);
    for (const block of said.matchAll(/"text":("(?:[^"\\]|\\.)*")/g)) expect(text).toContain(JSON.parse(block[1]!));
    await expect(asTranscript(given, ran)).toMatchFileSnapshot(transcript('json'));
  });

  it('has colours where they are wanted, and no escape sequences elsewhere', async () => {
    const env = { SERVER_NAME: 'example.com', HOMESERVER: 'http://synapse:8008' };
    const [plain, coloured] = [await runAdvise({ env }), await runAdvise({ env, colour: true })];
    expect(plain.out).not.toContain('\u001b');
    expect(coloured.out).toContain('\u001b[1mexample.com\u001b[0m');
    expect(stripVTControlCharacters(coloured.out)).toBe(plain.out);
  });

  it('ends with 2 for a format or web server that it does not know, and with 1 for a bad configuration', async () => {
    const env = { SERVER_NAME: 'example.com', HOMESERVER: 'http://synapse:8008' };
    expect((await runAdvise({ env, args: ['--format', 'xml'] })).code).toBe(2);
    expect((await runAdvise({ env, args: ['--web', 'iis'] })).err).toContain('cloudflare-pages');
    const bad = await runAdvise({ env: { SERVER_NAME: 'example.com' } });
    expect([bad.code, bad.out]).toEqual([1, '']);
    expect(bad.err).toContain('HOMESERVER');
  });

  it('is given without an account that can be read, and says so', async () => {
    const { code, out, err } = await runAdvise({ yaml: HOSTED, files: { [ACCOUNT_FILE]: '{"key": 1}' } });
    expect(code).toBe(0);
    expect(out).toContain('accounturi=ACCOUNT-URL');
    expect(err).toContain('account at the CA could not be read');
  });

  it('looks without leaving anything behind', async () => {
    const { out, err, left } = await runAdvise({ yaml: HOSTED });
    expect([err, left]).toEqual(['', ['config']]);
    expect(out).toContain('ACCOUNT-URL stands for');
  });
});
