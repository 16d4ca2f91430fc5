import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addConfigCommand } from '../../src/cli/config-command.ts';
import type { CliIo } from '../../src/cli/io.ts';
import { renderSchema } from '../../src/config/render-schema.ts';
import { DAY, type Made, makeCertificate, makeEcCertificate } from '../tls/make-certificate.ts';
import { createManualSystem } from '../tls/manual-system.ts';

const NOW = Date.parse('2026-06-01T12:00:00Z');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-command-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

interface Outcome {
  readonly out: string;
  readonly err: string;
  readonly exitCode: number;
  readonly thrown: CommanderError | undefined;
}

/** Runs `matrix-sidecar ARGUMENTS` in the folder, as main does. */
async function run(line: string, env: Record<string, string> = {}): Promise<Outcome> {
  let [out, err, thrown] = ['', '', undefined as CommanderError | undefined];
  const io: CliIo = {
    stdout: (text) => {
      out += text;
    },
    stderr: (text) => {
      err += text;
    },
    env,
    cwd: folder,
    isTerminal: false,
    colour: false,
    exitCode: 0,
  };
  const program = new Command('matrix-sidecar');
  addConfigCommand(program, io, createManualSystem(NOW));
  try {
    await program.parseAsync(line.split(' '), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    thrown = error;
  }
  return { out, err, exitCode: io.exitCode, thrown };
}

const LEAST = 'servers:\n  - server_name: example.com\n    homeserver: http://synapse:8008\n';

describe('config check', () => {
  it('says in one sentence what a sound configuration does, and exits 0', async () => {
    writeFileSync(join(folder, 'a.yaml'), `${LEAST}    delegate_to: m.example.com:443\nlisten: { http: off }\n`);
    expect(await run('config check --config a.yaml')).toEqual({
      out: 'ok: a.yaml serves example.com at http://synapse:8008 (delegated to m.example.com:443 by well-known), with certificates from ACME (https://acme-v02.api.letsencrypt.org/directory), listening on https [::]:443, federation [::]:8448, admin 127.0.0.1:9010\n',
      err: '',
      exitCode: 0,
      thrown: undefined,
    });
  });

  it('prints every problem on stderr, nothing on stdout, and exits 1', async () => {
    writeFileSync(join(folder, 'a.yaml'), `${LEAST}lsten: 443\nstore:\n`);
    expect(await run('config check --config a.yaml')).toEqual({
      out: '',
      err:
        'a.yaml:4:1 lsten: there is no key "lsten" here. Did you mean listen?\n' +
        'a.yaml:5:1 store: has no value. Write a value, as in store: certs, or remove the line.\n',
      exitCode: 1,
      thrown: undefined,
    });
  });

  it('takes config/sidecar.yaml when no file is named, and notes what it ignores', async () => {
    mkdirSync(join(folder, 'config'));
    writeFileSync(join(folder, 'config', 'sidecar.yaml'), LEAST);
    const { out, err, exitCode } = await run('config check', { SERVER_NAME: 'other.example.com' });
    expect(out).toMatch(/^ok: config\/sidecar\.yaml serves example\.com /);
    expect(err).toMatch(/^note: .*ignored: SERVER_NAME\n$/);
    expect(exitCode).toBe(0);
  });

  it('takes the environment when there is no file', async () => {
    const { out } = await run('config check', { SERVER_NAME: 'example.com', HOMESERVER: 'http://a' });
    expect(out).toMatch(/^ok: the environment serves example\.com /);
  });

  it('names at most five of many servers', async () => {
    const servers = Array.from({ length: 8 }, (_, i) => `  - { server_name: s${i}.org, homeserver: "http://h${i}" }\n`);
    writeFileSync(join(folder, 'a.yaml'), `servers:\n${servers.join('')}`);
    expect((await run('config check --config a.yaml')).out).toContain('s4.org at http://h4:80 and 3 more');
  });

  it.each(['.', 'missing.yaml'])('gives one sentence for --config %s', async (file) => {
    const { err, exitCode } = await run(`config check --config ${file}`);
    expect(err.trim().split('\n')).toHaveLength(1);
    expect(exitCode).toBe(1);
  });

  it('does not read an endless file to its end', async () => {
    expect((await run('config check --config /dev/zero')).err).toMatch(/larger than 1 MiB/);
  });
});

describe("config check of Synapse's configuration", () => {
  it('names what does not fit this one, with file, line and fix, and exits 0: the sidecar would start', async () => {
    const synapse = `server_name: example.com
public_baseurl: https://old.example.com/
listeners:
  - { port: 8008, type: http, bind_addresses: [127.0.0.1], resources: [{ names: [client] }] }
serve_server_wellknown: true
max_upload_size: 2G
database: { args: { password: hunter2 } }
`;
    writeFileSync(join(folder, 'homeserver.yaml'), synapse);
    const server = 'servers: [{ homeserver_yaml: homeserver.yaml, homeserver: "http://127.0.0.1:8008" }]\n';
    writeFileSync(join(folder, 'a.yaml'), `${server}limits: { upload: 1G }\n`);
    const { out, err, exitCode } = await run('config check --config a.yaml');
    expect(out).toMatch(/^ok: a\.yaml serves example\.com at http:\/\/127\.0\.0\.1:8008/);
    const heads = err.split('\n').filter((line) => line.startsWith('warning: '));
    expect(heads.map((line) => line.replace(folder, 'FOLDER').slice(0, 75))).toEqual([
      'warning: FOLDER/homeserver.yaml:4: Other servers get 404: the listener on p',
      'warning: FOLDER/homeserver.yaml:2: public_baseurl is https://old.example.co',
      'warning: FOLDER/homeserver.yaml:5: serve_server_wellknown is on and says ex',
      "warning: FOLDER/homeserver.yaml:4: Synapse takes the sidecar's address for ",
      'warning: FOLDER/homeserver.yaml:6: Synapse tells clients that uploads may h',
    ]);
    expect(err).toContain('    limits:\n      upload: 2G\n');
    expect(out + err).not.toContain('hunter2');
    expect(exitCode).toBe(0);
  });

  it('ends with a sentence about a file that is not there', async () => {
    writeFileSync(join(folder, 'a.yaml'), `${LEAST}    homeserver_yaml: homeserver.yaml\n`);
    const { err, exitCode } = await run('config check --config a.yaml');
    const fix = 'Check the path; in a container, mount the file into it.';
    expect(err).toBe(`${folder}/homeserver.yaml servers[0].homeserver_yaml: does not exist. ${fix}\n`);
    expect(exitCode).toBe(1);
  });
});

describe('config check of the files of private CAs', () => {
  it.each([
    ['ca_file: gone.pem', /^a\.yaml:\d+:\d+ acme\.ca_file: acme\.ca_file .*gone\.pem cannot be read: /],
    ['ca_file: empty.pem', /^a\.yaml:\d+:\d+ acme\.ca_file: The file acme\.ca_file cannot be used: it holds no cert/],
    [
      'fallback: { directory: "https://b.test/dir", ca_file: gone.pem }',
      /^a\.yaml:\d+:\d+ acme\.fallback\.ca_file: .*gone\.pem cannot be read: /,
    ],
  ])('refuses %s, as a start would', async (line, err) => {
    writeFileSync(join(folder, 'empty.pem'), '');
    writeFileSync(join(folder, 'a.yaml'), `${LEAST}acme: { directory: "https://a.test/dir", ${line} }\n`);
    expect(await run('config check --config a.yaml')).toMatchObject({
      ...{ exitCode: 1, out: '' },
      err: expect.stringMatching(err) as string,
    });
  });

  it('takes one that holds a certificate', async () => {
    writeFileSync(join(folder, 'root.pem'), makeCertificate({ commonName: 'root', ca: true }).certPem);
    writeFileSync(join(folder, 'a.yaml'), `${LEAST}acme: { directory: "https://a.test/dir", ca_file: root.pem }\n`);
    expect(await run('config check --config a.yaml')).toMatchObject({ exitCode: 0, err: '' });
  });
});

describe('config check of certificate files', () => {
  const root = makeCertificate({ commonName: 'root', ca: true });
  const good = { notBefore: NOW - DAY, notAfter: NOW + 59 * DAY };
  const make = (name: string, dates: object = good): Made => makeEcCertificate([name], root, 'P-256', dates);
  const YAML = `${LEAST}    certificate: { cert: a.pem, key: a.key }\n`;

  async function check(cert: string | undefined, key: string | undefined, yaml = YAML): Promise<Outcome> {
    writeFileSync(join(folder, 'a.yaml'), yaml);
    if (cert !== undefined) writeFileSync(join(folder, 'a.pem'), cert);
    if (key !== undefined) writeFileSync(join(folder, 'a.key'), key);
    const { out, err, ...more } = await run('config check --config a.yaml');
    return { out, err: err.replaceAll(`${folder}/`, ''), ...more };
  }
  /** A whole chain: a gap would be a finding as well. */
  const chained = (made: Made): string => made.certPem + root.certPem;

  it('says nothing of files that are right', async () => {
    const made = make('example.com');
    const { out, err, exitCode } = await check(chained(made), made.keyPem);
    expect([err, exitCode]).toEqual(['', 0]);
    expect(out).toMatch(/^ok: /);
  });

  const [mine, other] = [make('example.com'), make('other.example.org')];
  it.each([
    [
      'is not there',
      undefined,
      mine.keyPem,
      /^a\.yaml:4:5 servers\[0\]\.certificate: a\.pem does not exist\. Correct the path/,
    ],
    ['has no key', chained(mine), undefined, /certificate: a\.key does not exist\. Correct the path/],
    ['cannot be read', 'nonsense', mine.keyPem, /certificate: a\.pem holds no certificate in PEM form\. /],
    [
      'has another key',
      chained(mine),
      other.keyPem,
      /certificate: The private key does not belong to the certificate in a\.pem\. /,
    ],
    [
      'is for another name',
      chained(other),
      other.keyPem,
      /certificate: The certificate in a\.pem does not cover example\.com: it is for other\.example\.org\. /,
    ],
  ])('exits 1 when a file %s, because serve would refuse it', async (_, cert, key, message) => {
    const { out, err, exitCode } = await check(cert, key);
    expect(err).toMatch(message);
    expect([out, exitCode]).toEqual(['', 1]);
  });

  it.each([
    [
      'has expired',
      { notBefore: NOW - 60 * DAY, notAfter: NOW - DAY },
      /^warning: a\.yaml:4:5 servers\[0\]\.certificate: The certificate in a\.pem expired on 2026-05-31/,
    ],
    ['expires soon', { notBefore: NOW - 58 * DAY, notAfter: NOW + 2 * DAY }, /^warning: .* expires on 2026-06-03/],
  ])('warns, and exits 0, when one %s, because serve would serve it', async (_, dates, message) => {
    const made = make('example.com', dates);
    const { out, err, exitCode } = await check(chained(made), made.keyPem);
    expect(err).toMatch(message);
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^ok: /);
  });

  it('looks at the certificate of the federation listener by the names that peers check', async () => {
    const yaml = `${LEAST}    delegate_to: m.example.com
    certificate: { cert: a.pem, key: a.key }
    federation_certificate: { cert: a.pem, key: a.key }
`;
    const both = makeEcCertificate(['example.com', 'm.example.org'], root, 'P-256', good);
    const { err } = await check(chained(both), both.keyPem, yaml);
    const lines = err.trimEnd().split('\n');
    expect(lines.map((line) => line.replace(/:.*does not cover ([^:]*):.*/, ' $1'))).toEqual([
      'a.yaml m.example.com',
      'a.yaml m.example.com',
    ]);
    expect(lines[1]).toContain(' servers[0].federation_certificate: ');
  });
});

describe('config show', () => {
  it('prints YAML that loads again, with defaults written out and secrets redacted', async () => {
    writeFileSync(join(folder, 'a.yaml'), `${LEAST}store: postgres://u:hunter2@db/x\n`);
    const { out, err, exitCode } = await run('config show --config a.yaml');
    expect(out).toContain('keep_alive: 75s');
    expect(out).toContain('store: postgres://u:[redacted]@db/x');
    expect([err, exitCode]).toEqual(['', 0]);
    writeFileSync(join(folder, 'b.yaml'), out);
    expect((await run('config show --config b.yaml')).out).toBe(out);
  });

  it('prints nothing on stdout when the configuration is broken', async () => {
    expect(await run('config show')).toMatchObject({ out: '', exitCode: 1 });
  });
});

describe('config schema', () => {
  it('prints the JSON Schema', async () => {
    expect(await run('config schema')).toMatchObject({ out: renderSchema(), err: '', exitCode: 0 });
  });
});

describe('wrong usage', () => {
  it.each(['config chek', 'config check --confg x', 'config check --config', 'config'])(
    'of %j throws',
    async (line) => {
      const { out, err, thrown } = await run(line);
      expect(thrown?.exitCode).toBe(1);
      expect(out).toBe('');
      expect(err).not.toBe('');
    },
  );

  it('is told apart from help, which goes to stdout', async () => {
    const { out, thrown } = await run('config --help');
    expect(thrown?.exitCode).toBe(0);
    expect(out).toMatch(/check.*show.*schema/s);
  });
});
