import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { renderGeneratedFiles } from '../../src/config/generated-files.ts';
import { renderSample } from '../../src/config/render-sample.ts';
import { renderSchema } from '../../src/config/render-schema.ts';
import { configTable } from '../../src/config/table.ts';
import type { Key, Keys } from '../../src/config/table-shape.ts';
import { writeInline } from '../../src/config/yaml-source.ts';
import { loadText } from './load-file.ts';

const root = join(import.meta.dirname, '..', '..');

function listKeys(keys: Keys, at = ''): readonly [string, Key][] {
  return Object.entries(keys).flatMap(([name, entry]) => {
    if (entry.kind === 'key') return [[`${at}${name}`, entry] as [string, Key]];
    if (entry.kind === 'variants') {
      return Object.entries(entry.forms).flatMap(([form, section]) => listKeys(section.keys, `${at}${name}(${form}).`));
    }
    return listKeys(entry.kind === 'list' ? entry.of.keys : entry.keys, `${at}${name}.`);
  });
}

const keys = listKeys(configTable.keys);

describe('the generated files', () => {
  it.each(renderGeneratedFiles())('$path is what the table gives; run: npm run generate', ({ path, text }) => {
    expect(readFileSync(join(root, path), 'utf8')).toBe(text);
  });
});

describe('the table', () => {
  it.each(keys)('accepts its own example and default of %s', (_, key) => {
    expect(key.type.safeParse(key.example).success).toBe(true);
    if (key.presence === 'default') expect(key.type.safeParse(key.default).success).toBe(true);
  });

  it.each(keys)('keeps the example of %s the same through YAML', (_, key) => {
    expect(parse(writeInline(key.example))).toEqual(key.example);
  });
});

describe('the annotated sample', () => {
  it('loads as it is', () => {
    const loaded = loadText(renderSample());
    expect(loaded).toMatchObject({ ok: true, notices: [] });
  });

  it('changes nothing against a file with the required keys alone', () => {
    const least = loadText('servers: [{ server_name: example.com, homeserver: "http://synapse:8008" }]');
    const sample = loadText(renderSample());
    expect(JSON.stringify(sample)).toBe(JSON.stringify(least));
  });

  // What an optional section can hold beyond its need is on the reference page.
  const onOneLine = /certificate\.|workers\.|rtc\.|external_account\.|fallback\.|matrix\.|dns\(/;

  it.each(keys.map(([name]) => name).filter((name) => !onOneLine.test(name)))('mentions %s', (name) => {
    expect(renderSample()).toMatch(new RegExp(`^ *(- |# )?${name.split('.').at(-1)}: `, 'm'));
  });

  it('shows sections on one line that load when they are not comments any more', () => {
    const lines = [...renderSample().matchAll(/^ +# ((?:external_account|fallback|dns): \{.*\})$/gm)].map((m) => m[1]!);
    expect(lines).toHaveLength(7);
    const files = { '/srv/certs/eab.key': 'a2V5', '/srv/certs/tsig.key': 'a2V5', '/srv/certs/cloudflare.token': 'x' };
    for (const line of lines) {
      const yaml = `servers: [{ server_name: a.org, homeserver: "http://a" }]\nacme:\n  ${line}\n  challenges: [dns-01, http-01]`;
      const complete = line.startsWith('dns') ? yaml : `${yaml}\n  dns: { provider: exec, program: /x }`;
      expect(loadText(complete, { files })).toMatchObject({ ok: true, notices: [] });
    }
  });

  it('shows a Matrix room for warnings that loads when it is no comment any more', () => {
    const line = /^ +# (matrix: \{.*\})$/m.exec(renderSample())?.[1];
    const yaml = `servers: [{ server_name: a.org, homeserver: "http://a" }]\nwarnings:\n  ${line}`;
    const loaded = loadText(yaml, { files: { '/srv/certs/warnings.token': 'syt_x\n' } });
    expect(loaded.ok && loaded.config.warnings.matrix).toMatchObject({ room: '!abcdefgh:example.org', token: 'syt_x' });
  });

  it('shows workers that load when they are no comment any more', () => {
    const line = /^ +# (workers: \{.*\})$/m.exec(renderSample())![1]!;
    const loaded = loadText(`servers:\n  - server_name: a.org\n    homeserver: http://a\n    ${line}`);
    expect(loaded).toMatchObject({ ok: true, config: { servers: [{ workers: { pools: { media: [{}] } } }] } });
  });

  it('stays in 120 columns', () => {
    expect(
      renderSample()
        .split('\n')
        .filter((line) => line.length > 120),
    ).toEqual([]);
  });
});

describe('the JSON Schema', () => {
  const schema = z.fromJSONSchema(JSON.parse(renderSchema()));
  const accepts = (yaml: string) => schema.safeParse(parse(yaml)).success;
  const server = '{ server_name: a.org, homeserver: "http://a" }';

  it.each([
    ['the sample', renderSample(), true],
    ['several addresses', `{ servers: [${server}], listen: { https: [443, "[::1]:443"], http: off } }`, true],
    ['an empty section', `{ servers: [${server}], acme: }`, true],
    ['an unknown key', `{ servers: [${server}], colour: blue }`, false],
    ['no servers', '{ listen: { https: 443 } }', false],
    ['a server without homeserver', '{ servers: [{ server_name: a.org }] }', false],
    [
      'one that names the configuration of Synapse',
      '{ servers: [{ homeserver_yaml: /synapse/homeserver.yaml }] }',
      true,
    ],
    ['a word that is none of the choices', `{ servers: [${server}], certificates: letsencrypt }`, false],
    ['a mapping for a port', `{ servers: [${server}], listen: { https: {} } }`, false],
    ['an ACME account', `{ servers: [${server}], acme: { external_account: { key_id: a, hmac_key: b } } }`, true],
    [
      'its key in a file',
      `{ servers: [${server}], acme: { external_account: { key_id: a, hmac_key_file: b } } }`,
      true,
    ],
    ['one without a name', `{ servers: [${server}], acme: { external_account: { hmac_key: a } } }`, false],
    ['one without its key', `{ servers: [${server}], acme: { external_account: { key_id: a } } }`, false],
    ['a DNS provider', `{ servers: [${server}], acme: { dns: { provider: cloudflare, api_token: a } } }`, true],
    ['one with keys of another', `{ servers: [${server}], acme: { dns: { provider: exec, api_token: a } } }`, false],
    ['one that nobody knows', `{ servers: [${server}], acme: { dns: { provider: route53 } } }`, false],
    ['none', `{ servers: [${server}], acme: { dns: } }`, true],
    ['text for a truth', `{ servers: [${server}], acme: { agree_to_terms: "true" } }`, false],
    ['PEM', '{ servers: [{ server_name: a.org, homeserver: "http://a", certificate: { cert: a, key: b } }] }', true],
  ])('judges %s', (_, yaml, expected) => {
    expect(accepts(yaml)).toBe(expected);
  });

  it('demands cert and key, or pkcs12, of a certificate', () => {
    const written = JSON.parse(renderSchema());
    const forms = [{ required: ['cert', 'key'] }, { required: ['pkcs12'] }, { type: 'null' }];
    expect(written.properties.servers.items.properties.certificate.anyOf).toEqual(forms);
  });
});

describe('the JSON Schema of a secret', () => {
  it('demands it or the file that holds it', () => {
    const account = JSON.parse(renderSchema()).properties.acme.properties.external_account;
    expect(account.required).toEqual(['key_id']);
    expect(account.allOf).toMatchObject([{ anyOf: [{ required: ['hmac_key'] }, { required: ['hmac_key_file'] }] }]);
  });
});

describe('the reference page', () => {
  const page = readFileSync(join(root, 'docs/reference/configuration.md'), 'utf8');

  it.each(keys)('describes %s', (name, key) => {
    expect(page).toContain(`\n| \`${name.split('.').at(-1)}\` `);
    expect(page).toContain(` | ${key.says} `);
    if (key.variable !== undefined) expect(page).toContain(`\n| \`${key.variable}\` `);
  });
});
