import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nameSetId } from '../../src/acme/names.ts';
import { readCertificate, type StoredCertificate } from '../../src/acme/stored-certificate.ts';
import { ACME_DIRECTORIES } from '../../src/config/acme-directory.ts';
import { DAY, type Made } from '../tls/make-certificate.ts';
import { makePkcs12 } from '../tls/make-pkcs12.ts';
import {
  asTranscript,
  type Bench,
  certificateFor,
  LETS_ENCRYPT,
  NAMES,
  NOW,
  openBench,
  root,
  SERVERS,
  transcript,
} from './certs-bench.ts';

const good = certificateFor(NAMES, 59);

let bench: Bench;
beforeEach(() => {
  bench = openBench();
});
afterEach(() => bench.close());

const stored = async (names: readonly string[] = NAMES): Promise<StoredCertificate | undefined> =>
  (await readCertificate(bench.store, nameSetId(names)))?.stored;

const chainOf = (made: Made): string => made.certPem + root.certPem;

/** A lineage as certbot lays it out: links in `live` to what is in `archive`. */
function writeCertbot(name: string, made: Made, server: string | undefined = LETS_ENCRYPT): void {
  bench.write(`letsencrypt/archive/${name}/fullchain1.pem`, chainOf(made));
  bench.write(`letsencrypt/archive/${name}/privkey1.pem`, made.keyPem);
  bench.write('letsencrypt/live/README', 'This directory contains your keys and certificates.');
  bench.write(
    `letsencrypt/renewal/${name}.conf`,
    `version = 2.9.0\n[renewalparams]\nauthenticator = nginx\n${server === undefined ? '' : `server = ${server}\n`}key_type = ecdsa\n`,
  );
  mkdirSync(join(bench.folder, 'letsencrypt/live', name), { recursive: true });
  for (const file of ['fullchain', 'privkey']) {
    symlinkSync(`../../archive/${name}/${file}1.pem`, join(bench.folder, 'letsencrypt/live', name, `${file}.pem`));
  }
}

/** A certificate as Caddy keeps it. */
function writeCaddy(folder: string, made: Made, metadata?: object): void {
  const name = made.commonName.replace('*', 'wildcard_');
  const path = `data/caddy/certificates/${folder}/${name}/${name}`;
  bench.write(`${path}.crt`, chainOf(made));
  bench.write(`${path}.key`, made.keyPem);
  if (metadata !== undefined) bench.write(`${path}.json`, JSON.stringify(metadata));
}

describe('certs import from certbot', () => {
  it('takes what fits, says what it took and what not, and why', async () => {
    writeCertbot('example.com', good);
    writeCertbot('old.example.org', certificateFor(['old.example.org', 'www.example.org'], 30));
    writeCertbot('half.example.com', certificateFor(['example.com', 'www.example.com'], 80));
    writeCertbot('broken', good);
    rmSync(join(bench.folder, 'letsencrypt/archive/broken'), { recursive: true });
    writeCertbot('expired', certificateFor(NAMES, -4));
    writeCertbot('staging', certificateFor(NAMES, 70), ACME_DIRECTORIES['letsencrypt-staging']);
    writeCertbot('mixed', good);
    bench.write('letsencrypt/archive/mixed/privkey1.pem', certificateFor(NAMES, 9).keyPem);
    const ran = await bench.run(['import', 'letsencrypt']);
    await expect(asTranscript('import letsencrypt', ran)).toMatchFileSnapshot(transcript('import-certbot'));
    expect(ran.code).toBe(0);
    expect(await stored()).toMatchObject({
      ...{ names: NAMES, directory: LETS_ENCRYPT, chainPem: chainOf(good), keyPem: good.keyPem },
      issuedAt: NOW - 31 * DAY,
    });
    // What `certs list` says of it is what the sidecar will do with it.
    expect(await bench.run(['list'])).toMatchObject({ code: 0, out: expect.stringContaining('59 days left') });
  });

  it.each(['letsencrypt', 'letsencrypt/live', 'letsencrypt/live/example.com', 'letsencrypt/live/example.com/'])(
    'finds it by %s, with the directory that certbot used',
    async (path) => {
      writeCertbot('example.com', good, ACME_DIRECTORIES['zerossl']!);
      const { code, out } = await bench.run(['import', path]);
      expect(code).toBe(0);
      expect(out).toContain('which is not configured: it is served until the sidecar has ordered another from');
      expect((await stored())?.directory).toBe(ACME_DIRECTORIES['zerossl']);
    },
  );

  it('takes the one from a configured CA, though another is good for longer', async () => {
    writeCertbot('elsewhere', certificateFor(NAMES, 80), 'https://ca.example/dir');
    writeCertbot('here', good);
    const { out } = await bench.run(['import', 'letsencrypt']);
    expect(out).toMatch(/here\/fullchain\.pem has the same names, and is from a CA that is configured\.$/m);
    expect((await stored())?.keyPem).toBe(good.keyPem);
  });

  it('takes the configured CA where certbot does not say which one it was', async () => {
    writeCertbot('example.com', good, undefined);
    rmSync(join(bench.folder, 'letsencrypt/renewal'), { recursive: true });
    await bench.run(['import', 'letsencrypt']);
    expect((await stored())?.directory).toBe(LETS_ENCRYPT);
  });
});

describe('certs import from Caddy', () => {
  const folder = 'acme-v02.api.letsencrypt.org-directory';

  it('takes what fits and leaves what its own authority signed', async () => {
    writeCaddy(folder, certificateFor(['*.example.com'], 40), {
      sans: ['*.example.com'],
      issuer_data: { ca: LETS_ENCRYPT },
    });
    writeCaddy(folder, certificateFor(['matrix.example.com'], 40));
    writeCaddy('local', certificateFor(NAMES, 2));
    bench.configure(SERVERS.replace('delegate_to', 'apex: elsewhere, delegate_to'));
    const ran = await bench.run(['import', 'data']);
    await expect(asTranscript('import data', ran)).toMatchFileSnapshot(transcript('import-caddy'));
    expect((await stored(['matrix.example.com']))?.directory).toBe(LETS_ENCRYPT);
  });

  it.each(['data', 'data/caddy', 'data/caddy/certificates'])('finds it by %s', async (path) => {
    writeCaddy(folder, good);
    expect((await bench.run(['import', path])).code).toBe(0);
    expect((await stored())?.directory).toBe(LETS_ENCRYPT);
  });

  it.each([
    ['acme.zerossl.com-v2-dv90', undefined, ACME_DIRECTORIES['zerossl']],
    ['anything', { issuer_data: { ca: 'https://ca.example/dir' } }, 'https://ca.example/dir'],
    ['anything', { issuer_data: { ca: 'javascript:alert(1)' } }, LETS_ENCRYPT],
    ['anything', { issuer_data: null }, LETS_ENCRYPT],
    ['anything', [1], LETS_ENCRYPT],
  ])('knows the CA by the folder %s and the metadata %j', async (name, metadata, directory) => {
    writeCaddy(name, good, metadata);
    await bench.run(['import', 'data']);
    expect((await stored())?.directory).toBe(directory);
  });
});

describe('certs import from files', () => {
  it('takes a PEM pair, whatever the files are called and in whatever order they are named', async () => {
    bench.write('one', good.keyPem);
    bench.write('two', chainOf(good));
    bench.write('three', certificateFor(NAMES, 3).keyPem);
    expect((await bench.run(['import', 'three', 'one', 'two'])).code).toBe(0);
    expect((await stored())?.keyPem).toBe(good.keyPem);
  });

  it.each([
    ['one file with both', () => void bench.write('in/both.pem', good.keyPem + chainOf(good))],
    ['a chain that is out of order', () => void bench.write('in/both.pem', root.certPem + good.keyPem + good.certPem)],
    [
      'two files beside others',
      () => {
        bench.write('in/cert.crt', chainOf(good));
        bench.write('in/cert.key', good.keyPem);
        bench.write('in/notes.txt', 'nothing');
      },
    ],
  ])('takes a folder with %s', async (_, prepare) => {
    prepare();
    expect((await bench.run(['import', 'in'])).code).toBe(0);
    expect((await stored())?.chainPem).toBe(chainOf(good));
  });

  it('takes PKCS#12 with its password', async () => {
    bench.write('a.p12', makePkcs12(good.keyPem, [good, root], 'correct horse'));
    bench.write('password', 'correct horse\n');
    const wrong = await bench.run(['import', 'a.p12']);
    expect([wrong.code, wrong.out]).toEqual([1, expect.stringContaining('The password does not open FOLDER/a.p12.')]);
    expect((await bench.run(['import', 'a.p12', '--password-file', 'password'])).code).toBe(0);
    expect((await stored())?.keyPem).toBe(good.keyPem);
  });

  it('reads back what `certs export` wrote', async () => {
    await bench.keep(good);
    bench.write('password', 'pässwörd');
    await bench.run(['export', 'example.com', '--pkcs12', 'a.p12', '--password-file', 'password']);
    await bench.store.remove(`acme/certificates/${nameSetId(NAMES)}.json`);
    expect((await bench.run(['import', 'a.p12', '--password-file', 'password'])).code).toBe(0);
    expect(await stored()).toMatchObject({ keyPem: good.keyPem, chainPem: chainOf(good) });
  });
});

describe('what certs import cannot use is said in one sentence', () => {
  it.each([
    ['none', 'FOLDER/none does not exist.'],
    ['empty', 'There are no certificates in FOLDER/empty.'],
    ['key.pem', 'FOLDER/key.pem holds a private key and no certificate.'],
    ['cert.pem', 'No private key that was named belongs to the certificate in FOLDER/cert.pem.'],
    ['text', 'FOLDER/text is no PKCS#12 file'],
    ['huge.pem', 'FOLDER/huge.pem is no certificate file.'],
    ['/dev/zero', '/dev/zero is no certificate file.'],
    ['damaged.pem', 'Certificate 1 in FOLDER/damaged.pem is damaged'],
  ])('%s', async (path, says) => {
    mkdirSync(join(bench.folder, 'empty'));
    bench.write('key.pem', good.keyPem);
    bench.write('cert.pem', good.certPem);
    bench.write('text', 'nothing');
    bench.write('huge.pem', Buffer.alloc(1_100_000, '-----BEGIN CERTIFICATE-----\n'));
    bench.write('damaged.pem', good.keyPem + good.certPem.replace(/\n.{20}/, '\nAAAAAAAAAAAAAAAAAAAA'));
    const { code, out, err } = await bench.run(['import', path]);
    expect(code).toBe(1);
    expect(out + err).toContain(says);
    expect(await bench.store.list('')).toEqual([]);
  });

  it('before anything is taken, when one of several paths is wrong', async () => {
    bench.write('a.pem', good.keyPem + chainOf(good));
    expect(await bench.run(['import', 'a.pem', 'none'])).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringMatching(/none does not exist/),
    });
    expect(await stored()).toBeUndefined();
  });

  it.each(['local', 'files'])('certificates: %s', async (kind) => {
    bench.write('a.pem', good.keyPem + chainOf(good));
    bench.configure(
      kind === 'local'
        ? `${SERVERS}certificates: local\n`
        : 'servers: [{ server_name: a.org, homeserver: "http://a", certificate: { cert: a.pem, key: a.pem } }]\n',
    );
    const { code, err } = await bench.run(['import', 'a.pem']);
    expect([code, err.split('\n')[0]]).toEqual([
      1,
      `This configuration gets no certificates from a CA (certificates: ${kind}), so there is none to take over.`,
    ]);
  });

  it('keeps nothing of a store that cannot be written, and says what to do', async () => {
    bench.write('a.pem', good.keyPem + chainOf(good));
    renameSync(bench.write('blocked', ''), join(bench.folder, 'certs'));
    const { code, out, err } = await bench.run(['import', 'a.pem']);
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain('FOLDER/certs');
    expect(readdirSync(bench.folder).sort()).toEqual(['a.pem', 'certs', 'sidecar.yaml']);
    expect(readFileSync(join(bench.folder, 'certs'), 'utf8')).toBe('');
  });
});
