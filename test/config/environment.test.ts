import { describe, expect, it } from 'vitest';
import type { Config } from '../../src/config/config.ts';
import { formatConfigProblems } from '../../src/config/format-problems.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import { listVariables } from '../../src/config/variables.ts';
import { fakeFiles, loadText, loadVariables } from './load-file.ts';

const LEAST = { SERVER_NAME: 'example.com', HOMESERVER: 'http://synapse:8008' };
const YAML = 'servers: [{ server_name: file.example.com, homeserver: "http://a" }]';

function complain(env: Record<string, string>, files: Record<string, string> = {}): string {
  const loaded = loadVariables(env, files);
  return loaded.ok ? '' : formatConfigProblems(loaded.problems);
}

describe('a single server by environment', () => {
  it('needs two variables', () => {
    const loaded = loadVariables(LEAST);
    expect(loaded).toMatchObject({
      ok: true,
      notices: [],
      config: { file: undefined, servers: [{ serverName: { text: 'example.com' } }], certificates: 'acme' },
    });
  });

  it('knows the variables that the product promises', () => {
    const names = listVariables().map(({ name }) => name);
    expect(
      [
        ...['SERVER_NAME', 'HOMESERVER', 'DELEGATE_TO', 'APEX', 'WEBSITE', 'CERTIFICATES', 'ACME_EMAIL'],
        ...['ACME_DIRECTORY', 'ACME_CA_FILE', 'STORE', 'LISTEN_HTTPS', 'LISTEN_FEDERATION', 'LISTEN_HTTP'],
        ...['LISTEN_ADMIN', 'LOG_LEVEL'],
      ].filter((name) => !names.includes(name)),
    ).toEqual([]);
  });

  it('has some more', () => {
    expect(listVariables().map(({ name }) => name)).toEqual(
      expect.arrayContaining(['ACME_EAB_KEY_ID', 'ACME_EAB_HMAC_KEY', 'ACME_PROFILE', 'WARNINGS_WEBHOOK']),
    );
  });

  it.each<[string, string, (config: Config) => unknown, unknown]>([
    ['DELEGATE_TO', 'm.example.com:443', (c) => c.servers[0]!.delegateTo?.text, 'm.example.com:443'],
    ['APEX', 'elsewhere', (c) => c.servers[0]!.apex, 'elsewhere'],
    ['WEBSITE', 'http://web:80', (c) => c.servers[0]!.website?.text, 'http://web:80'],
    ['HOMESERVER', 'http://a:1, http://b:2', (c) => c.servers[0]!.homeserver.text, 'http://a:1, http://b:2'],
    ['CERTIFICATES', 'local', (c) => c.certificates, 'local'],
    ['ACME_EMAIL', 'a@example.com', (c) => c.acme.email, 'a@example.com'],
    [
      'ACME_DIRECTORY',
      'letsencrypt-staging',
      (c) => c.acme.directory,
      'https://acme-staging-v02.api.letsencrypt.org/directory',
    ],
    ['ACME_PROFILE', 'shortlived', (c) => c.acme.profile, 'shortlived'],
    ['WARNINGS_WEBHOOK', 'https://h/x?y=z', (c) => c.warnings.webhook, 'https://h/x?y=z'],
    ['WARNINGS_WEBHOOK', '', (c) => c.warnings, { webhook: undefined, matrix: undefined }],
    ['ACME_CA_FILE', 'pebble.pem', (c) => c.acme.caFile, '/srv/pebble.pem'],
    ['STORE', 'keys', (c) => c.store, { kind: 'files', folder: '/srv/keys' }],
    ['LISTEN_HTTPS', '127.0.0.1:1, [::1]:2', (c) => c.listen.https.map((a) => a.text), ['127.0.0.1:1', '[::1]:2']],
    ['LISTEN_FEDERATION', 'off', (c) => c.listen.federation, []],
    ['LISTEN_HTTP', '8080', (c) => c.listen.http.map((a) => a.port), [8080]],
    ['LISTEN_ADMIN', '0.0.0.0:9010', (c) => c.listen.admin.map((a) => a.text), ['0.0.0.0:9010']],
    ['LOG_LEVEL', 'debug', (c) => c.log.level, 'debug'],
    ['LOG_LEVEL', '', (c) => c.log.level, 'info'],
    ['APEX', '  ', (c) => c.servers[0]!.apex, 'here'],
  ])('%s=%s', (name, value, read, expected) => {
    const loaded = loadVariables({ ...LEAST, [name]: value });
    expect(loaded.ok && read(loaded.config)).toEqual(expected);
  });

  it('ties the ACME account to one at the authority', () => {
    const env = { ...LEAST, ACME_DIRECTORY: 'zerossl', ACME_EAB_KEY_ID: 'kid', ACME_EAB_HMAC_KEY_FILE: '/run/hmac' };
    const loaded = loadVariables(env, { '/run/hmac': 'a2V5LQ\n' });
    expect(loaded.ok && loaded.config.acme).toMatchObject({
      directory: 'https://acme.zerossl.com/v2/DV90',
      externalAccount: { keyId: 'kid', hmacKey: 'a2V5LQ' },
    });
  });

  it.each(listVariables().map(({ name }) => name))('takes %s from a file as well', (name) => {
    const value = { ...LEAST, LISTEN_ADMIN: 'off', LOG_LEVEL: 'warn', APEX: 'here', CERTIFICATES: 'local' };
    const text = (value as Record<string, string>)[name] ?? 'letsencrypt';
    const env: Record<string, string> = { ...LEAST, [`${name}_FILE`]: 'secret' };
    delete env[name];
    const direct = JSON.stringify(loadVariables({ ...LEAST, [name]: text }));
    const byFile = JSON.stringify(loadVariables(env, { '/srv/secret': ` ${text}\n` }));
    expect(byFile.replaceAll(`${name}_FILE`, name)).toBe(direct);
  });
});

describe('problems of the environment', () => {
  it('shows the two lines to write when there is no configuration at all', () => {
    const text = complain({ LOG_LEVEL: 'debug', HOME: '/root' });
    expect(text).toContain('\n    SERVER_NAME=example.com\n    HOMESERVER=http://synapse:8008\n');
    expect(text).toContain('config/sidecar.sample.yaml');
  });

  it.each([
    [{ SERVER_NAME: 'a.org' }, 'environment HOMESERVER: is missing. Add it, as in HOMESERVER=http://synapse:8008.\n'],
    [{ HOMESERVER: 'http://a' }, 'environment SERVER_NAME: is missing. Add it, as in SERVER_NAME=example.com.\n'],
    [{ ...LEAST, APEX: 'her' }, 'environment APEX: "her" is not one of here, elsewhere. Did you mean here?\n'],
    [
      { ...LEAST, STORE: 'a', STORE_FILE: 'b' },
      'environment STORE_FILE: STORE and STORE_FILE are both set. Unset one of them.\n',
    ],
    [
      { ...LEAST, LISTEN_HTTPS: '1,2,1' },
      'environment LISTEN_HTTPS: [::]:1 is taken by LISTEN_HTTPS already. Keep [::]:1 alone: it takes IPv4 and IPv6.\n',
    ],
    [
      { ...LEAST, CERTIFICATES: 'files' },
      'environment CERTIFICATES: certificates is files, but example.com brings no certificate. Give that server its certificate: { cert: FILE, key: FILE } in a configuration file, or CERTIFICATES=acme.\n',
    ],
    [
      { ...LEAST, ACME_DIRECTORY: 'zerossl' },
      'environment ACME_DIRECTORY: zerossl gives accounts only to customers of its own, who have a key identifier and an HMAC key. Get both in the section Developer of app.zerossl.com, and write them as ACME_EAB_KEY_ID and ACME_EAB_HMAC_KEY (or ACME_EAB_HMAC_KEY_FILE).\n',
    ],
    [
      { ...LEAST, ACME_EAB_KEY_ID: 'kid' },
      'environment ACME_EAB_HMAC_KEY: is missing. Add it, as in ACME_EAB_HMAC_KEY=c29tZXRoaW5nIHRoYXQgdGhlIGF1dGhvcml0eSBnYXZlIG91dA, or ACME_EAB_HMAC_KEY_FILE with the path of a file that holds it.\n',
    ],
    [
      { ...LEAST, ACME_EAB_HMAC_KEY: 'a2V5' },
      'environment ACME_EAB_KEY_ID: is missing. Add it, as in ACME_EAB_KEY_ID=kid-0123456789abcdef.\n',
    ],
    [
      { ...LEAST, ACME_EAB_KEY_ID: 'kid', ACME_EAB_HMAC_KEY_FILE: 'nope' },
      'environment ACME_EAB_HMAC_KEY_FILE: the file nope does not exist. Check the path, and that this user may read it.\n',
    ],
    [
      { SERVER_NAME_FILE: 'nope', HOMESERVER: 'http://a' },
      'environment SERVER_NAME_FILE: the file nope does not exist. Check the path, and that this user may read it.\n',
    ],
  ] as [Record<string, string>, string][])('%j', (env, expected) => {
    expect(complain(env)).toBe(expected);
  });

  it('names all of them at once', () => {
    const text = complain({ SERVER_NAME: 'a b', HOMESERVER: 'x', LISTEN_HTTP: '99999', LOG_LEVEL: 'LOUD' });
    expect(text.trim().split('\n')).toHaveLength(4);
  });

  it('names the variable whose file holds a bad value', () => {
    const text = complain({ ...LEAST, APEX_FILE: 'apex' }, { '/srv/apex': 'nowhere\n' });
    expect(text).toMatch(/^environment APEX_FILE: "nowhere" is not one of/);
  });
});

describe('a file beside the environment', () => {
  it('wins entirely, with a notice that names what is ignored', () => {
    const loaded = loadText(YAML, { env: { ...LEAST, STORE: 'other' } });
    expect(loaded).toMatchObject({ ok: true, config: { servers: [{ serverName: { text: 'file.example.com' } }] } });
    expect(loaded.ok && loaded.config.store).toEqual({ kind: 'files', folder: '/srv/certs' });
    expect(loaded.notices).toHaveLength(1);
    expect(loaded.notices[0]).toContain('SERVER_NAME, HOMESERVER, STORE');
  });

  it('says nothing of variables that other programs use too', () => {
    expect(loadText(YAML, { env: { STORE: 'x', LISTEN_HTTP: '1' } }).notices).toEqual([]);
  });

  it('lets LOG_LEVEL go before what the file says', () => {
    const loaded = loadText(`${YAML}\nlog: { level: warn }`, { env: { LOG_LEVEL: 'trace' } });
    expect(loaded.ok && loaded.config.log.level).toBe('trace');
    expect(loaded.notices).toEqual([]);
  });

  it('checks LOG_LEVEL even then', () => {
    const loaded = loadText(YAML, { env: { LOG_LEVEL: 'loud' } });
    expect(loaded.ok ? [] : loaded.problems).toMatchObject([{ file: 'environment', key: 'LOG_LEVEL' }]);
  });

  it('is config/sidecar.yaml when none is named', () => {
    const readFile = fakeFiles({ '/srv/config/sidecar.yaml': YAML });
    const loaded = loadConfig({ env: LEAST, cwd: '/srv', readFile });
    expect(loaded.ok && loaded.config.file).toBe('/srv/config/sidecar.yaml');
  });
});

describe('networks that hold everybody', () => {
  it.each([
    'routes: { admin_api_from: 0.0.0.0/0 }',
    'routes: { trusted_proxies: ["::/0"] }',
    'listen: { proxy_protocol_from: ["::/0"] }',
  ])('are noticed: %s', (top) => {
    const { notices } = loadText(`${YAML}\n${top}`);
    expect(notices).toHaveLength(1);
    expect(notices[0]).toContain('/0');
  });
});
