import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { lintHomeserver } from '../../src/synapse/lint.ts';
import { facts, read, SOUND } from './sound.ts';

const lint = (text: string, about = facts()) => lintHomeserver(read(text), about);
const swap = (from: string, to: string): string => {
  expect(SOUND).toContain(from);
  return SOUND.replace(from, to);
};

describe('a homeserver.yaml that fits the sidecar', () => {
  it('has nothing to be said about', () => {
    expect(lint(SOUND)).toEqual([]);
  });

  it('is the generated one with the lines that the sidecar ships', () => {
    const shipped = readFileSync(resolve(import.meta.dirname, '../../deploy/homeserver-lines.yaml'), 'utf8');
    const generated = 'server_name: "example.com"\nlisteners:\n  - port: 8008\n    tls: false\n    type: http\n';
    const about = facts({ clientDocument: { 'm.homeserver': { base_url: 'https://example.com' } } });
    expect(lintHomeserver(read(generated, shipped), about)).toEqual([]);
  });

  it('may listen on this machine only when the sidecar is on it', () => {
    const bound = swap('    tls: false\n', "    tls: false\n    bind_addresses: ['::1', '127.0.0.1']\n");
    expect(lint(bound, facts({ at: 'http://127.0.0.1:8008' }))).toEqual([]);
    expect(lint(bound, facts({ at: 'http://localhost:8008' }))).toEqual([]);
  });

  it('may be reached by a Unix socket', () => {
    const socket = swap('port: 8008', 'path: /run/a.sock');
    expect(lint(socket, facts({ at: 'unix:/run/a.sock' }))).toEqual([]);
  });
});

describe('a homeserver.yaml with one thing wrong', () => {
  const bind = (list: string): string => swap('    tls: false\n', `    tls: false\n    bind_addresses: ${list}\n`);
  const more = (text: string): string => `${SOUND}${text}\n`;
  const metrics = swap('listeners:\n', 'listeners:\n  - { type: metrics, port: 9000 }\n');

  it.each([
    ['x_forwarded false', swap('x_forwarded: true', 'x_forwarded: false'), {}, 'synapse-x-forwarded', 'warning', 4],
    ['no x_forwarded', swap('    x_forwarded: true\n', ''), {}, 'synapse-x-forwarded', 'warning', 4],
    [
      'x_forwarded false on a socket',
      swap('port: 8008', 'path: /a').replace('x_forwarded: true', 'x_forwarded: false'),
      { at: 'unix:/a' },
      'synapse-x-forwarded',
      'warning',
      4,
    ],
    ['TLS', swap('tls: false', 'tls: true'), {}, 'synapse-listener-tls', 'error', 4],
    ['loopback, sidecar elsewhere', bind('[127.0.0.1]'), {}, 'synapse-bind-address', 'error', 4],
    ['another address', bind('[10.0.0.5]'), { at: 'http://10.0.0.6:8008' }, 'synapse-bind-address', 'error', 4],
    [
      'another address, sidecar here',
      bind('[10.0.0.5]'),
      { at: 'http://127.0.0.1:8008' },
      'synapse-bind-address',
      'error',
      4,
    ],
    ['all addresses, sidecar here', SOUND, { at: 'http://127.0.0.1:8008' }, 'synapse-listener-open', 'warning', 4],
    ['another port', SOUND, { at: 'http://synapse:8448' }, 'synapse-no-such-listener', 'error', 3],
    [
      'no listener at all',
      swap(SOUND.slice(SOUND.indexOf('listeners:'), SOUND.indexOf('serve_')), ''),
      {},
      'synapse-no-such-listener',
      'warning',
      undefined,
    ],
    ['a socket where a port is meant', SOUND, { at: 'unix:/run/a.sock' }, 'synapse-no-such-listener', 'error', 3],
    ['no federation', swap('[client, federation]', '[client]'), {}, 'synapse-resource-missing', 'error', 4],
    ['no client', swap('[client, federation]', '[federation]'), {}, 'synapse-resource-missing', 'error', 4],
    [
      'replication in public',
      swap('federation]', 'federation, replication]'),
      {},
      'synapse-internal-resource',
      'info',
      4,
    ],
    ['metrics in the open', metrics, {}, 'synapse-private-listener-open', 'info', 4],
    [
      'another name',
      swap('server_name: example.com', 'server_name: example.org'),
      {},
      'synapse-server-name-differs',
      'error',
      1,
    ],
    [
      'a name in capitals',
      swap('server_name: example.com', 'server_name: Example.com'),
      {},
      'synapse-server-name-differs',
      'error',
      1,
    ],
    [
      'no public_baseurl',
      swap('public_baseurl: https://matrix.example.com/\n', ''),
      {},
      'synapse-public-baseurl-missing',
      'warning',
      undefined,
    ],
    [
      'public_baseurl without TLS',
      swap('https://matrix.', 'http://matrix.'),
      {},
      'synapse-public-baseurl-http',
      'error',
      2,
    ],
    [
      'another public_baseurl',
      swap('https://matrix.', 'https://chat.'),
      {},
      'synapse-public-baseurl-differs',
      'warning',
      2,
    ],
    [
      'public_baseurl that is no URL',
      swap('https://matrix.', 'matrix.'),
      {},
      'synapse-public-baseurl-differs',
      'warning',
      2,
    ],
    [
      'its own well-known',
      swap('wellknown: false', 'wellknown: true'),
      {},
      'synapse-serve-server-wellknown',
      'warning',
      10,
    ],
    [
      'its own well-known, none of ours',
      swap('wellknown: false', 'wellknown: true'),
      { serverDocument: undefined },
      'synapse-serve-server-wellknown',
      'warning',
      10,
    ],
    [
      'its own well-known, the same',
      swap('wellknown: false', 'wellknown: true'),
      { serverDocument: { 'm.server': 'example.com:443' } },
      'synapse-serve-server-wellknown',
      'info',
      10,
    ],
    [
      'client content',
      more('extra_well_known_client_content: { a.b: { c: 1 } }'),
      {},
      'synapse-client-wellknown-hidden',
      'warning',
      13,
    ],
    ['large uploads', more('max_upload_size: 2G'), {}, 'synapse-upload-limit', 'warning', 13],
    ['nobody let in', more('federation_domain_whitelist: []'), {}, 'synapse-federation-closed', 'error', 13],
    ['few let in', more('federation_domain_whitelist: [a.b]'), {}, 'synapse-federation-whitelist', 'info', 13],
    [
      'a listener that is none',
      `${more('').replace('port: 8008', 'prot: 8008')}bind_port: 8408\nunsecure_port: 8008\n`,
      {},
      'synapse-x-forwarded',
      'warning',
      14,
    ],
  ] as const)('%s: one finding, with its line', (_, text, about, id, severity, line) => {
    const found = lint(text, facts(about));
    expect(found.map((one) => [one.id, one.severity, one.place?.line])).toEqual([[id, severity, line]]);
    expect(found[0]?.what).toMatch(/^[A-Za-z].*[.]$/);
    expect(found[0]?.fix).toMatch(/^[A-Z].*[.]$/);
    expect(JSON.stringify(found)).not.toMatch(/hunter|undefined/);
  });

  it('is weighed by where Synapse runs: an open port beside containers is no news, on the machine it is', () => {
    const local = metrics.replace('    tls: false\n', '    tls: false\n    bind_addresses: [127.0.0.1]\n');
    expect(lint(local, facts({ at: 'http://127.0.0.1:8008' }))).toMatchObject([
      { id: 'synapse-private-listener-open', severity: 'warning' },
    ]);
    const closed = local.replace('port: 9000', 'port: 9000, bind_addresses: [127.0.0.1]');
    expect(lint(closed, facts({ at: 'http://127.0.0.1:8008' }))).toEqual([]);
  });

  it('is judged by the listener that is likely meant when the port is another', () => {
    const found = lint(swap('x_forwarded: true', 'x_forwarded: false'), facts({ at: 'http://synapse:80' }));
    expect(found.map(({ id }) => id)).toEqual(['synapse-no-such-listener', 'synapse-x-forwarded']);
  });

  it('says what stands in the way in a network of one’s own', () => {
    const about = facts({ privateFederation: true });
    expect(lint(SOUND, about).map(({ id }) => id)).toEqual([
      'synapse-private-addresses-refused',
      'synapse-public-notary',
    ]);
    expect(lint(`${SOUND}ip_range_blacklist: []\ntrusted_key_servers: []\n`, about)).toEqual([]);
  });

  it('has the worst first', () => {
    const bad = `${swap('tls: false', 'tls: true')}federation_domain_whitelist: [a.b]\nmax_upload_size: 2G\n`;
    expect(lint(bad).map(({ severity }) => severity)).toEqual(['error', 'warning', 'info']);
  });
});

describe('the lines that mend it', () => {
  it.each([
    [swap('public_baseurl: https://matrix.example.com/\n', ''), { public_baseurl: 'https://matrix.example.com/' }],
    [`${SOUND}federation_domain_whitelist: []\n`, { federation_domain_whitelist: ['example.org'] }],
    [`${SOUND}max_upload_size: 3T\n`, { limits: { upload: '3072G' } }],
    [
      `${SOUND}extra_well_known_client_content: { a.b: { c: [1] } }\n`,
      { well_known: { client: { 'a.b': { c: [1] } } } },
    ],
  ])('are YAML that says what is meant', (text, meant) => {
    const [first] = lint(text);
    expect(parse((first?.lines ?? []).join('\n'))).toEqual(meant);
  });

  it('make a listener that the lint then finds sound', () => {
    const [first] = lint(SOUND, facts({ at: 'http://synapse:8010' }));
    const mended = `${SOUND.replace(/listeners:[\s\S]*?serve_/, 'serve_')}${first?.lines?.join('\n')}\n`;
    expect(lint(mended, facts({ at: 'http://synapse:8010' }))).toEqual([]);
  });
});
