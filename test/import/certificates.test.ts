import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nameSetId } from '../../src/acme/names.ts';
import { readCertificate } from '../../src/acme/stored-certificate.ts';
import { addImportCommand } from '../../src/cli/import-command.ts';
import type { CliIo } from '../../src/cli/io.ts';
import { ACME_DIRECTORIES } from '../../src/config/acme-directory.ts';
import { createFileStore } from '../../src/store/files.ts';
import { type Bench, certificateFor, LETS_ENCRYPT, NAMES, NOW, openBench, root } from '../cli/certs-bench.ts';
import type { Made } from '../tls/make-certificate.ts';
import { createManualSystem } from '../tls/manual-system.ts';

let bench: Bench;
beforeEach(() => {
  bench = openBench();
});
afterEach(() => bench.close());

interface Ran {
  readonly code: number;
  readonly yaml: string;
  readonly said: string;
}

/** Runs `import ARGUMENTS` in the folder at the instant of the bench. */
async function run(...args: readonly string[]): Promise<Ran> {
  let [yaml, said] = ['', ''];
  const io: CliIo = {
    ...{ env: {}, cwd: bench.folder, isTerminal: false, colour: false, exitCode: 0 },
    stdout(text) {
      yaml += text;
    },
    stderr(text) {
      said += text;
    },
  };
  const program = new Command('matrix-sidecar');
  addImportCommand(program, io, createManualSystem(NOW));
  try {
    await program.parseAsync(['import', ...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    io.exitCode = 2;
  }
  const hide = (text: string): string => text.replaceAll(bench.folder, 'FOLDER');
  return { code: io.exitCode, yaml: hide(yaml), said: hide(said) };
}

/** A lineage as certbot lays it out. */
function writeCertbot(name: string, made: Made, settings = `server = ${LETS_ENCRYPT}\nauthenticator = nginx\n`): void {
  bench.write(`letsencrypt/archive/${name}/fullchain1.pem`, made.certPem + root.certPem);
  bench.write(`letsencrypt/archive/${name}/privkey1.pem`, made.keyPem);
  bench.write(
    `letsencrypt/renewal/${name}.conf`,
    `# renew_before_expiry = 30 days\nversion = 2.9.0\n[renewalparams]\n${settings}`,
  );
  mkdirSync(join(bench.folder, 'letsencrypt/live', name), { recursive: true });
  for (const file of ['fullchain', 'privkey'])
    symlinkSync(`../../archive/${name}/${file}1.pem`, join(bench.folder, 'letsencrypt/live', name, `${file}.pem`));
}

const good = certificateFor(NAMES, 59);

function writeNginx(cert: string, key: string): void {
  bench.write(
    'nginx.conf',
    `http { server { listen 443 ssl http2; server_name example.com; ssl_certificate ${cert}; ssl_certificate_key ${key};
      location = /.well-known/matrix/server { default_type application/json; return 200 '{"m.server":"matrix.example.com:443"}'; } }
    server { listen 443 ssl http2; server_name matrix.example.com; ssl_certificate ${cert}; ssl_certificate_key ${key};
      location /_matrix { proxy_pass http://synapse:8008; } } }`,
  );
}

const stored = async (store = 'store') =>
  (await readCertificate(createFileStore(join(bench.folder, store)), nameSetId(NAMES)))?.stored;

describe('import certbot', () => {
  it('prints YAML for the names of the certificates, and the command that takes them over', async () => {
    writeCertbot('example.com', good);
    bench.write(
      'letsencrypt/accounts/acme-v02.api.letsencrypt.org/directory/0a/regr.json',
      '{"body":{"contact":["mailto:admin@example.com"]}}',
    );
    const { code, yaml, said } = await run('certbot', 'letsencrypt', '--homeserver', 'http://synapse:8008');
    expect(yaml).toBe(`# Made by matrix-sidecar import from the certificates of certbot.
servers:
  - server_name: example.com # letsencrypt/renewal/example.com.conf:1
    homeserver: http://synapse:8008 # from --homeserver
    delegate_to: matrix.example.com:443 # letsencrypt/renewal/example.com.conf:1
acme: { email: admin@example.com }
`);
    expect(said).toContain('matrix-sidecar certs import FOLDER/letsencrypt\n');
    expect(said).toContain('[import-certbot-goes-on]');
    expect(code).toBe(0);
  });

  it.each([
    ['letsencrypt/live', 0],
    ['letsencrypt/live/example.com', 0],
    ['letsencrypt', 0],
    ['letsencrypt/archive', 1],
    ['nowhere', 1],
  ])('takes %s as a folder of certbot or says that it is none', async (path, expected) => {
    writeCertbot('example.com', good);
    expect((await run('certbot', path)).code).toBe(expected);
  });

  it('with --store takes the certificates over at once, without an order', async () => {
    writeCertbot('example.com', good);
    const { code, yaml, said } = await run('certbot', 'letsencrypt', '--store', 'store');
    expect(yaml).toContain('\nstore: store\n');
    expect(said).toMatch(
      /taken: example\.com, matrix\.example\.com\n.*letsencrypt\/live\/example\.com\/fullchain\.pem \(certbot\)/,
    );
    expect(await stored()).toMatchObject({ names: NAMES, directory: LETS_ENCRYPT, keyPem: good.keyPem });
    expect(code).toBe(0);
  });

  it('tells what renewal files say that the sidecar does otherwise', async () => {
    const staging = `server = ${ACME_DIRECTORIES['letsencrypt-staging']}\npreferred_chain = ISRG Root X1\nauthenticator = dns-cloudflare\nrenew_hook = systemctl reload nginx\n`;
    writeCertbot('example.com', good, staging);
    const { yaml, said } = await run('certbot', 'letsencrypt');
    expect(yaml).toContain('acme: { directory: letsencrypt-staging, preferred_chain: ISRG Root X1 }');
    for (const id of ['import-dns-challenge', 'import-hook', 'import-homeserver-unknown'])
      expect(said).toContain(`[${id}]`);
    expect(said).toContain('letsencrypt/renewal/example.com.conf:6');
  });

  it('asks for the server name where the certificates do not tell it', async () => {
    writeCertbot('a.example.org', certificateFor(['a.example.org'], 30));
    writeCertbot('b.example.org', certificateFor(['b.example.org'], 30));
    const asked = await run('certbot', 'letsencrypt');
    expect([asked.code, asked.yaml]).toEqual([1, '']);
    expect(asked.said).toContain('a.example.org; b.example.org');
    const told = await run('certbot', 'letsencrypt', '--server-name', 'b.example.org');
    expect([told.code, told.yaml.includes('server_name: b.example.org')]).toEqual([0, true]);
  });
});

describe('import nginx', () => {
  it('leaves certificates of certbot to certs import, and reads their names', async () => {
    writeCertbot('example.com', good);
    writeNginx(
      `${bench.folder}/letsencrypt/live/example.com/fullchain.pem`,
      `${bench.folder}/letsencrypt/live/example.com/privkey.pem`,
    );
    const { yaml, said } = await run('nginx', 'nginx.conf');
    expect(yaml).not.toContain('certificate');
    expect(said).toContain('matrix-sidecar certs import FOLDER/letsencrypt\n');
  });

  it('with --store takes them over at once', async () => {
    writeCertbot('example.com', good);
    writeNginx(
      `${bench.folder}/letsencrypt/live/example.com/fullchain.pem`,
      `${bench.folder}/letsencrypt/live/example.com/privkey.pem`,
    );
    const { code, yaml } = await run('nginx', 'nginx.conf', '--store', 'store');
    expect([code, (await stored())?.keyPem]).toEqual([0, good.keyPem]);
    expect(yaml.endsWith('\nstore: store\n')).toBe(true);
  });

  it('names the files of another authority, relative to the configuration, if they are for the names', async () => {
    bench.write('ssl/a.pem', good.certPem + root.certPem);
    bench.write('ssl/a.key', good.keyPem);
    writeNginx('ssl/a.pem', 'ssl/a.key');
    const { code, yaml } = await run('nginx', 'nginx.conf');
    expect(yaml).toContain('    certificate: { cert: FOLDER/ssl/a.pem, key: FOLDER/ssl/a.key } # nginx.conf:1\n');
    expect(code).toBe(0);
  });

  it('leaves out files that are for other names, and says that other servers refuse them', async () => {
    const other = certificateFor(['www.example.com'], 30);
    bench.write('ssl/a.pem', other.certPem + root.certPem);
    bench.write('ssl/a.key', other.keyPem);
    writeNginx('ssl/a.pem', 'ssl/a.key');
    const { code, yaml, said } = await run('nginx', 'nginx.conf');
    expect(yaml).toContain('    # certificate: {');
    for (const id of ['import-certificate-name', 'import-certificate-left']) expect(said).toContain(`[${id}]`);
    expect(code).toBe(0);
  });

  it.each([
    ['is not there', undefined, /does not exist/],
    ['is no certificate', 'nonsense', /holds no certificate/],
  ])('leaves out a file that %s', async (_, content, why) => {
    if (content !== undefined) bench.write('ssl/a.pem', content);
    bench.write('ssl/a.key', good.keyPem);
    writeNginx('ssl/a.pem', 'ssl/a.key');
    const { code, said } = await run('nginx', 'nginx.conf');
    expect(said.replaceAll(/\n +/g, ' ')).toMatch(why);
    expect(code).toBe(0);
  });
});

describe('import caddy', () => {
  const CADDYFILE = `example.com {\nrespond /.well-known/matrix/server \`{"m.server":"matrix.example.com:443"}\`\n}\nmatrix.example.com {\nreverse_proxy /_matrix/* synapse:8008\n}\n`;
  const writeStorage = (): void => {
    const path = 'data/caddy/certificates/acme-v02.api.letsencrypt.org-directory/example.com/example.com';
    bench.write(`${path}.crt`, good.certPem + root.certPem);
    bench.write(`${path}.key`, good.keyPem);
  };

  it('takes certificates out of the data folder that is named beside the Caddyfile', async () => {
    bench.write('Caddyfile', CADDYFILE);
    writeStorage();
    const { code, said } = await run('caddy', 'Caddyfile', 'data', '--store', 'store');
    expect(said).toContain('(Caddy)');
    expect([code, (await stored())?.keyPem]).toEqual([0, good.keyPem]);
  });

  it('says that the data folder was not named', async () => {
    bench.write('Caddyfile', CADDYFILE);
    expect((await run('caddy', '.')).said).toContain('[import-storage-not-named]');
  });

  it('makes YAML of the data folder alone', async () => {
    writeStorage();
    const { code, yaml } = await run('caddy', 'data');
    expect(yaml).toContain('server_name: example.com');
    expect(yaml).toContain('delegate_to: matrix.example.com:443');
    expect(code).toBe(0);
  });
});

describe('wrong usage', () => {
  it.each([
    [['nginx'], 2],
    [['apache', 'x'], 2],
    [['nginx', 'x', '--server-name', 'https://example.com'], 2],
    [['nginx', 'x', '--homeserver', 'https://a'], 2],
    [['nginx', 'not-there.conf'], 1],
    [['nginx', '.'], 1],
    [['caddy', 'not-there'], 1],
    [['caddy', 'not-there.json'], 1],
    [['certbot', '.'], 1],
  ])('%j is explained, and prints no YAML', async (args, code) => {
    const ran = await run(...args);
    expect([ran.code, ran.yaml]).toEqual([code, '']);
    expect(ran.said.trim()).not.toBe('');
  });

  it('a configuration without Matrix is told with a next step', async () => {
    bench.write('nginx.conf', 'server { listen 80; location / { proxy_pass http://web:80; } }');
    const { code, yaml, said } = await run('nginx', 'nginx.conf');
    expect([code, yaml]).toEqual([1, '']);
    expect(said).toMatch(/^Nothing in nginx\.conf has to do with Matrix\.\nName nginx\.conf/m);
  });
});
