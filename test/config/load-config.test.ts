import { describe, expect, it } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { formatConfigProblems } from '../../src/config/format-problems.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { fakeFiles, loadText } from './load-file.ts';

const SERVER = 'server_name: example.com, homeserver: "http://synapse:8008"';

function load(yaml: string, more: Parameters<typeof loadText>[1] = {}): Config {
  const loaded = loadText(yaml, more);
  if (!loaded.ok) throw new Error(formatConfigProblems(loaded.problems));
  return loaded.config;
}

/** One server with more keys of its own, and more at the top level. */
const withServer = (keys: string, top = '') => load(`servers: [{ ${SERVER}${keys} }]\n${top}`);

describe('the smallest file', () => {
  const config = withServer('');

  it('has the documented defaults', () => {
    expect(config).toMatchObject({
      file: '/srv/sidecar.yaml',
      servers: [
        {
          serverName: { text: 'example.com' },
          homeserver: { instances: [{ kind: 'tcp', host: 'synapse', port: 8008 }] },
          delegateTo: undefined,
          delegateBy: 'well-known',
          apex: 'here',
          website: undefined,
          workers: undefined,
          homeserverYaml: [],
          wellKnown: {},
          certificate: undefined,
          federationCertificate: undefined,
        },
      ],
      listen: {
        https: [{ host: '::', port: 443 }],
        federation: [{ host: '::', port: 8448 }],
        http: [{ host: '::', port: 80 }],
        admin: [{ host: '127.0.0.1', port: 9010 }],
      },
      routes: { federationPort: 'federation' },
      certificates: 'acme',
      acme: {
        directory: 'https://acme-v02.api.letsencrypt.org/directory',
        email: undefined,
        challenges: ['tls-alpn-01', 'http-01'],
        caFile: undefined,
        agreeToTerms: true,
        externalAccount: undefined,
        dns: undefined,
        resolvers: [],
        profile: undefined,
        key: 'ecdsa-p256',
        preferredChain: undefined,
        fallback: undefined,
      },
      warnings: { webhook: undefined, matrix: undefined },
      store: { kind: 'files', folder: '/srv/certs' },
      limits: {
        body: 13_107_200,
        upload: 1_073_741_824,
        handshake: 10_000,
        requestHeaders: 15_000,
        keepAlive: 75_000,
        stalled: 60_000,
        drain: 30_000,
      },
      log: { level: 'info', requests: 'errors' },
    });
    expect(config.listen.proxyProtocolFrom.networks).toEqual([]);
    expect(config.routes.adminApiFrom.networks).toEqual([]);
    expect(config.routes.trustedProxies.networks).toEqual([]);
  });

  it('is frozen at every depth', () => {
    const thawed: string[] = [];
    const look = (value: unknown, at: string): void => {
      if (typeof value !== 'object' || value === null) return;
      if (!Object.isFrozen(value)) thawed.push(at);
      for (const [key, inner] of Object.entries(value)) look(inner, `${at}.${key}`);
    };
    look(
      load(`servers: [{ ${SERVER}, well_known: { client: { a: [{ b: 1 }] } } }]\nroutes: { admin_api_from: ::1 }`),
      '',
    );
    expect(thawed).toEqual([]);
  });
});

describe('values', () => {
  it.each<[string, (config: Config) => unknown, unknown]>([
    ['listen: { https: off }', (c) => c.listen.https, []],
    ['listen: { https: 8443 }', (c) => c.listen.https.map((a) => a.text), ['[::]:8443']],
    ['listen: { https: "8443" }', (c) => c.listen.https.map((a) => a.text), ['[::]:8443']],
    ['listen: { https: 127.0.0.1:8443 }', (c) => c.listen.https.map((a) => a.text), ['127.0.0.1:8443']],
    ['listen: { https: "[::1]:8443" }', (c) => c.listen.https.map((a) => a.text), ['[::1]:8443']],
    ['listen: { https: ["[::1]:1", 2] }', (c) => c.listen.https.map((a) => a.text), ['[::1]:1', '[::]:2']],
    ['listen: { https: 0, federation: 0, http: 0 }', (c) => c.listen.http.map((a) => a.port), [0]],
    ['listen: { proxy_protocol_from: 10.0.0.0/8 }', (c) => c.listen.proxyProtocolFrom.contains('10.1.2.3'), true],
    [
      'listen: { proxy_protocol_from: ["::1", 10.0.0.1] }',
      (c) => c.listen.proxyProtocolFrom.contains('10.0.0.2'),
      false,
    ],
    ['limits: { body: 65536 }', (c) => c.limits.body, 65_536],
    ['limits: { body: 50M }', (c) => c.limits.body, 52_428_800],
    ['limits: { drain: 0s }', (c) => c.limits.drain, 0],
    ['limits:', (c) => c.limits.drain, 30_000],
    ['certificates: local\nacme: { directory: zerossl }', (c) => c.acme.directory, 'https://acme.zerossl.com/v2/DV90'],
    [
      'certificates: local\nacme: { directory: google }',
      (c) => c.acme.directory,
      'https://dv.acme-v02.api.pki.goog/directory',
    ],
    [
      'acme: { directory: letsencrypt-staging }',
      (c) => c.acme.directory,
      'https://acme-staging-v02.api.letsencrypt.org/directory',
    ],
    ['acme: { directory: "https://pebble:14000/dir" }', (c) => c.acme.directory, 'https://pebble:14000/dir'],
    ['acme: { ca_file: certs/pebble.pem }', (c) => c.acme.caFile, '/srv/certs/pebble.pem'],
    ['acme: { challenges: [http-01, http-01] }', (c) => c.acme.challenges, ['http-01']],
    ['store: ../keys', (c) => c.store, { kind: 'files', folder: '/keys' }],
    ['store: /var/keys', (c) => c.store, { kind: 'files', folder: '/var/keys' }],
    ['store: postgres://u:p@db/x', (c) => c.store, { kind: 'postgres', url: 'postgres://u:p@db/x' }],
    ['store: postgresql://db/x', (c) => c.store.kind, 'postgres'],
    ['certificates: local', (c) => c.certificates, 'local'],
    ['log: { level: trace, requests: off }', (c) => c.log, { level: 'trace', requests: 'off' }],
    ['%YAML 1.1\n---\nlog: { requests: off }', (c) => c.log.requests, 'off'],
  ])('%s', (top, read, expected) => {
    const yaml = top.startsWith('%') ? `${top}\nservers: [{ ${SERVER} }]` : `servers: [{ ${SERVER} }]\n${top}`;
    expect(read(load(yaml))).toEqual(expected);
  });

  it.each<[string, (config: Config) => unknown, unknown]>([
    [', delegate_to: "m.example.com:443"', (c) => c.servers[0]!.delegateTo, { text: 'm.example.com:443', port: 443 }],
    [', delegate_to: "[2001:db8::1]:443"', (c) => c.servers[0]!.delegateTo, { host: '2001:db8::1', kind: 'ipv6' }],
    [', delegate_to: m.org, delegate_by: srv', (c) => c.servers[0]!, { delegateBy: 'srv' }],
    [', apex: elsewhere', (c) => c.servers[0]!, { apex: 'elsewhere' }],
    [', website: "http://[::1]:8080"', (c) => c.servers[0]!.website, { instances: [{ host: '::1', port: 8080 }] }],
    [
      ', website: ["http://web:80", "unix:/run/web.sock"]',
      (c) => c.servers[0]!.website,
      { instances: [{ host: 'web' }, { path: '/run/web.sock' }], text: 'http://web:80, unix:/run/web.sock' },
    ],
    [', workers: {}', (c) => c.servers[0]!.workers, { pools: {}, background: [] }],
    [
      ', workers: { media: "http://m:1", stream_writers: { typing: ["unix:/t.sock"] }, background: "http://s:2" }',
      (c) => c.servers[0]!.workers,
      {
        pools: { media: [{ kind: 'tcp', host: 'm', port: 1 }], typing: [{ kind: 'unix', path: '/t.sock' }] },
        background: [{ text: 'http://s:2' }],
      },
    ],
    [
      `, workers: { sync: [${Array.from({ length: 64 }, (_, index) => `"http://s${index}"`).join(', ')}] }`,
      (c) => c.servers[0]!.workers?.pools.sync?.length,
      64,
    ],
    [', well_known: { cc.etke.x: { a: 1 } }', (c) => c.servers[0]!.wellKnown, { 'cc.etke.x': { a: 1 } }],
    [
      ', certificate: { cert: a.pem, key: /b.key }',
      (c) => c.servers[0]!.certificate,
      { kind: 'pem', cert: '/srv/a.pem', key: '/b.key' },
    ],
    [
      ', certificate: { pkcs12: a.p12, password: s }',
      (c) => c.servers[0]!.certificate,
      { kind: 'pkcs12', file: '/srv/a.p12', password: 's' },
    ],
    [
      ', federation_certificate: { pkcs12: a.p12 }',
      (c) => c.servers[0]!.federationCertificate,
      { kind: 'pkcs12', file: '/srv/a.p12', password: '' },
    ],
  ])('servers: %s', (keys, read, expected) => {
    expect(read(withServer(keys))).toMatchObject(expected as object);
  });

  it('keeps the case of a server name, which is a part of its identity', () => {
    const config = load('servers: [{ server_name: Example.COM, homeserver: "unix:/run/synapse.sock" }]');
    expect(config.servers[0]).toMatchObject({
      serverName: { text: 'Example.COM', host: 'example.com' },
      homeserver: { instances: [{ kind: 'unix', path: '/run/synapse.sock' }] },
    });
  });

  it('reads a PKCS#12 password from its file, without the line end but with its spaces', () => {
    const yaml = `servers: [{ ${SERVER}, certificate: { pkcs12: a.p12, password_file: a.password } }]`;
    const config = load(yaml, { files: { '/srv/a.password': ' two words \n' } });
    expect(config.servers[0]!.certificate).toMatchObject({ password: ' two words ' });
  });

  it('takes aliases, a byte order mark and Windows line ends', () => {
    const yaml = `\ufeffservers:\r\n  - server_name: a.org\r\n    homeserver: &hs http://hs:8008\r\n  - server_name: b.org\r\n    homeserver: *hs\r\n`;
    expect(load(yaml).servers.map((server) => server.homeserver.text)).toEqual(['http://hs:8008', 'http://hs:8008']);
  });
});

describe('where certificates come from', () => {
  const own = ', certificate: { cert: a, key: b }';
  it.each([
    ['acme by default', `servers: [{ ${SERVER} }]`, 'acme'],
    ['files when every server brings its own', `servers: [{ ${SERVER}${own} }]`, 'files'],
    [
      'acme when one of two does',
      `servers: [{ ${SERVER}${own} }, { server_name: b.org, homeserver: "http://b" }]`,
      'acme',
    ],
    ['acme when only the federation listener has one', `servers: [{ ${SERVER}, federation_${own.slice(2)} }]`, 'acme'],
    ['what is written', `certificates: acme\nservers: [{ ${SERVER}${own} }]`, 'acme'],
  ])('%s', (_, yaml, expected) => {
    expect(load(yaml).certificates).toBe(expected);
  });
});

describe('what needs no complaint', () => {
  it.each([
    ['two names with one homeserver and one delegated host', 'a.org, b.org', 'http://hs:1', 'http://hs:1', 'm.org'],
    ['two names with their own homeservers', 'a.org, b.org', 'http://hs:1', 'http://hs:2', ''],
  ])('%s', (_, names, first, second, delegate) => {
    const delegation = delegate === '' ? '' : `, delegate_to: ${delegate}`;
    const [a, b] = names.split(', ');
    const yaml = `servers:
      - { server_name: ${a}, homeserver: "${first}"${delegation} }
      - { server_name: ${b}, homeserver: "${second}"${delegation} }`;
    expect(load(yaml).servers).toHaveLength(2);
  });

  it.each([
    'listen: { https: ["127.0.0.1:443", "[::1]:443"], federation: 127.0.0.2:443 }',
    'listen: { https: ["0.0.0.0:443", "[::1]:443"] }',
    'listen: { federation: off, https: 8448 }',
    'listen: { http: off }',
  ])('%s', (top) => {
    expect(load(`servers: [{ ${SERVER} }]\n${top}`).servers).toHaveLength(1);
  });
});

describe('files that are none', () => {
  const problem = (readFile: (path: string, limit: number) => Uint8Array, file?: string) => {
    const loaded = loadConfig({ file, env: {}, cwd: '/srv', readFile });
    return loaded.ok ? 'no problem' : formatConfigProblems(loaded.problems);
  };
  const failing = (code: string) => () => {
    throw Object.assign(new Error(code), { code });
  };

  it.each<[string, (path: string, limit: number) => Uint8Array, RegExp]>([
    ['absent', fakeFiles({}), /^x\.yaml: there is no such file\. .*\/srv/],
    ['a folder', failing('EISDIR'), /^x\.yaml: is a folder/],
    ['not to be read', failing('EACCES'), /^x\.yaml: may not be read by this user/],
    ['broken', failing('EIO'), /^x\.yaml: cannot be read \(EIO\)/],
    ['empty', fakeFiles({ '/srv/x.yaml': '' }), /^x\.yaml: is empty/],
    ['blank', fakeFiles({ '/srv/x.yaml': '\n  # nothing\n' }), /^x\.yaml: is empty/],
    ['not UTF-8', fakeFiles({ '/srv/x.yaml': Uint8Array.of(0x61, 0xff, 0xfe) }), /^x\.yaml: is not UTF-8/],
    ['binary', fakeFiles({ '/srv/x.yaml': 'a: \0' }), /^x\.yaml: holds zero bytes/],
    ['too large', fakeFiles({ '/srv/x.yaml': '#'.repeat(1_048_577) }), /^x\.yaml: is larger than 1 MiB/],
  ])('a file that is %s gets one sentence', (_, readFile, expected) => {
    const text = problem(readFile, 'x.yaml');
    expect(text).toMatch(expected);
    expect(text.trim().split('\n')).toHaveLength(1);
  });

  it('does not fall back to the environment when the default file is there but cannot be read', () => {
    expect(problem(failing('EACCES'))).toMatch(/^config\/sidecar\.yaml: may not be read/);
  });

  it('bounds deep nesting, at once', () => {
    for (const text of ['['.repeat(100_000), '{a: '.repeat(100_000), '- '.repeat(100_000)]) {
      const loaded = loadText(text);
      expect(loaded.ok ? [] : loaded.problems).not.toEqual([]);
    }
  });
});

describe('secrets', () => {
  it.each([
    'store: ["postgres://u:hunter2@db/x"]',
    'store: postgres://u:hunter2/@db/x',
    'store: "postgres:u:hunter2@db"',
    `servers: [{ ${SERVER}, certificate: { pkcs12: a, password: [hunter2] } }]`,
    `servers: [{ ${SERVER}, certificate: hunter2 }]`,
    'warnings: { webhook: hooks.example.com/hunter2 }',
    'warnings: { webhook: "https://a:hunter2@hooks.example.com/" }',
    'warnings: https://hooks.example.com/hunter2',
    'warnings: { matrix: hunter2 }',
    'warnings: { matrix: { homeserver: "https://a", room: "!a:b", token: "hunter2 hunter2" } }',
    'warnings: { matrix: { homeserver: "https://x:hunter2@a", room: "!a:b", token: t } }',
    'acme: { external_account: hunter2 }',
    'acme: { external_account: { key_id: a, hmac_key: "hunter2 !" } }',
    'acme: { external_account: { key_id: a, hmac_key: [hunter2] } }',
    'acme: { dns: hunter2 }',
    'acme: { dns: { provider: rfc2136, key_secret: "hunter2 !" } }',
    'acme: { dns: { provider: cloudflare, api_token: "hunter2 hunter2" } }',
    'acme: { dns: { provider: cloudflare, password: hunter2 } }',
    'acme: { dns: { provider: httpreq, url: "https://a:hunter2@b" } }',
    'acme: { dns: { provider: httpreq, url: "https://b?token=hunter2" } }',
  ])('never appear in a sentence: %s', (yaml) => {
    const loaded = loadText(yaml);
    const text = loaded.ok ? '' : formatConfigProblems(loaded.problems);
    expect(text).not.toBe('');
    expect(text).not.toContain('hunter2');
  });
});
