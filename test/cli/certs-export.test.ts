import { spawnSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { realSystem } from '../../src/base/system.ts';
import { parsePemCertificate } from '../../src/tls/pem-certificate.ts';
import { parsePkcs12 } from '../../src/tls/pkcs12-certificate.ts';
import { writePkcs12 } from '../../src/tls/write-pkcs12.ts';
import { type Made, makeCertificate, makeEcCertificate, read } from '../tls/make-certificate.ts';
import {
  asTranscript,
  type Bench,
  certificateFor,
  NAMES,
  openBench,
  root,
  SERVERS,
  transcript,
} from './certs-bench.ts';

const made = certificateFor(NAMES, 59);
const openssl = spawnSync('openssl', ['version']).status === 0;
const PKCS12 = ['--pkcs12', 'out.p12', '--password-file', 'password'];
const PEM = ['--cert', 'out.pem', '--key', 'out.key'];

let bench: Bench;
beforeEach(async () => {
  bench = openBench();
  bench.write('password', 'correct horse\n');
  await bench.keep(made);
});
afterEach(() => bench.close());

const readOut = (name: string): Buffer => readFileSync(join(bench.folder, name));
const modeOf = (name: string): number => statSync(join(bench.folder, name)).mode & 0o777;

describe('certs export', () => {
  it.each(['example.com', 'matrix.example.com', 'MATRIX.example.com', 'example.com.'])(
    'prints the chain for %s on stdout, and never the key',
    async (name) => {
      expect(await bench.run(['export', name])).toEqual({ code: 0, out: made.certPem + root.certPem, err: '' });
    },
  );

  it('writes chain and key as PEM that only their owner can read', async () => {
    const ran = await bench.run(['export', 'example.com', ...PEM]);
    await expect(asTranscript(`export example.com ${PEM.join(' ')}`, ran)).toMatchFileSnapshot(
      transcript('export-pem'),
    );
    expect([modeOf('out.pem'), modeOf('out.key')]).toEqual([0o600, 0o600]);
    const back = parsePemCertificate(readOut('out.pem').toString(), readOut('out.key').toString(), 'out.pem');
    expect([back.chainPem, back.keyPem]).toEqual([made.certPem + root.certPem, made.keyPem]);
  });

  it('writes PKCS#12 that reads back as the same certificate, chain and key', async () => {
    const ran = await bench.run(['export', 'example.com', ...PKCS12]);
    await expect(asTranscript(`export example.com ${PKCS12.join(' ')}`, ran)).toMatchFileSnapshot(
      transcript('export-pkcs12'),
    );
    expect(modeOf('out.p12')).toBe(0o600);
    const back = parsePkcs12(readOut('out.p12'), 'correct horse', 'out.p12');
    expect([back.chainPem, back.keyPem]).toEqual([made.certPem + root.certPem, made.keyPem]);
  });

  it.each([
    { what: 'one file', target: PKCS12, files: ['out.p12'] },
    { what: 'the certificate', target: PEM, files: ['out.pem'] },
    { what: 'the key', target: PEM, files: ['out.key'] },
  ])('replaces nothing without --force: $what is there already', async ({ target, files }) => {
    for (const name of files) bench.write(name, 'precious');
    const before = readdirSync(bench.folder).sort();
    const { code, out, err } = await bench.run(['export', 'example.com', ...target]);
    expect([code, out]).toEqual([1, '']);
    expect(err).toBe(`FOLDER/${files[0]} exists already, and nothing was written; add --force to replace it.\n`);
    expect(readOut(files[0]!).toString()).toBe('precious');
    expect(readdirSync(bench.folder).sort()).toEqual(before);
  });

  it('replaces files with --force, and makes them readable for their owner alone', async () => {
    for (const name of ['out.pem', 'out.key']) chmodSync(bench.write(name, 'old'), 0o644);
    symlinkSync('out.key', join(bench.folder, 'link.key'));
    const { code } = await bench.run(['export', 'example.com', '--cert', 'out.pem', '--key', 'link.key', '--force']);
    expect([code, modeOf('out.pem'), modeOf('out.key')]).toEqual([0, 0o600, 0o600]);
    expect(readOut('out.key').toString()).toBe(made.keyPem);
  });

  it.each([
    {
      args: ['example.com', '--cert', 'none/out.pem', '--key', 'out.key'],
      says: /none\/out\.pem cannot be written: its folder does not exist/,
    },
    {
      args: ['example.com', '--cert', 'out.pem', '--key', 'none/out.key'],
      says: /none\/out\.key cannot be written: its folder does not exist/,
    },
    { args: ['example.com', '--cert', 'certs', '--key', 'out.key', '--force'], says: /certs is no plain file/ },
    {
      args: ['example.com', '--cert', '/dev/null', '--key', 'out.key', '--force'],
      says: /\/dev\/null is no plain file/,
    },
    { args: ['example.com', '--cert', 'same.pem', '--key', './same.pem'], says: /name the same file/ },
    {
      args: ['example.com', '--pkcs12', 'out.p12', '--password-file', 'none'],
      says: /^The password file none does not exist\./,
    },
    {
      args: ['other.org'],
      says: /^No certificate of this configuration is for "other\.org"; there are example\.com, matrix\.example\.com\.\n$/,
    },
  ])('says in one sentence why $args cannot be, and writes nothing', async ({ args, says }) => {
    const before = readdirSync(bench.folder).sort();
    const { code, out, err } = await bench.run(['export', ...args]);
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(says);
    expect(err.trimEnd().split('\n')).toHaveLength(1);
    expect(readdirSync(bench.folder).sort()).toEqual(before);
  });

  it.each([
    { args: [], says: "missing required argument 'name'" },
    { args: ['example.com', '--cert', 'a'], says: '--cert and --key go together' },
    { args: ['example.com', '--pkcs12', 'a'], says: '--pkcs12 needs --password-file' },
    { args: ['example.com', '--password-file', 'a'], says: '--password-file belongs to --pkcs12' },
    { args: ['example.com', ...PEM, ...PKCS12], says: 'but not both' },
  ])('is wrong usage with $args', async ({ args, says }) => {
    const { code, out, err } = await bench.run(['export', ...args]);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(says);
  });

  it('says that there is none yet', async () => {
    await bench.store.remove((await bench.store.list('acme/certificates/'))[0]!);
    const { code, err } = await bench.run(['export', 'example.com', ...PEM]);
    expect([code, err]).toEqual([
      1,
      'There is no certificate for example.com, matrix.example.com yet; `certs list` says when there will be one.\n',
    ]);
    expect(existsSync(join(bench.folder, 'out.pem'))).toBe(false);
  });

  it('exports what is brought as files too', async () => {
    const mine = certificateFor(['mine.example.org'], 45);
    bench.write('mine.pem', mine.certPem);
    bench.write('mine.key', mine.keyPem);
    bench.configure(
      `${SERVERS}  - { server_name: mine.example.org, homeserver: "http://m", certificate: { cert: mine.pem, key: mine.key } }\n`,
    );
    expect((await bench.run(['export', 'mine.example.org'])).out).toBe(mine.certPem);
  });
});

describe('PKCS#12 as it is written', () => {
  const rsa = makeCertificate({ names: ['rsa.example.com', '192.0.2.1'], issuer: root });
  const address = makeEcCertificate(['2001:db8::1'], root, 'P-384');
  const kinds: readonly (readonly [string, Made])[] = [
    ['an RSA key', rsa],
    ['a P-256 key', made],
    ['a P-384 key and no name but an address', address],
  ];

  it.each(kinds)('reads back with %s', async (_, one) => {
    const bytes = await writePkcs12(read(one, root), 'secret', { system: realSystem });
    expect(parsePkcs12(bytes, 'secret', 'a.p12')).toMatchObject({
      keyPem: one.keyPem,
      chainPem: one.certPem + root.certPem,
    });
    expect(() => parsePkcs12(bytes, 'Secret', 'a.p12')).toThrow('The password does not open a.p12');
  });

  it.each(['x', 'pässwörd', 'パスワード', 'with space ', '𝔭'.repeat(40)])(
    'opens with the password %j',
    async (password) => {
      const bytes = await writePkcs12(read(made, root), password, { system: realSystem });
      expect(parsePkcs12(bytes, password, 'a.p12').keyPem).toBe(made.keyPem);
    },
  );

  it.skipIf(!openssl).each(kinds)('is read by openssl, with %s', async (_, one) => {
    bench.write('a.p12', await writePkcs12(read(one, root), 'pässwörd', { system: realSystem }));
    const run = spawnSync('openssl', ['pkcs12', '-in', 'a.p12', '-nodes', '-passin', 'env:PASSWORD'], {
      cwd: bench.folder,
      env: { ...process.env, PASSWORD: 'pässwörd' },
      encoding: 'utf8',
    });
    expect([run.status, run.stderr]).toEqual([0, '']);
    expect(run.stdout).toContain(`friendlyName: ${one === address ? '2001:db8::1' : one.commonName}`);
    const certificates = run.stdout.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g)!;
    expect(certificates.map((pem) => new X509Certificate(pem).fingerprint256)).toEqual(
      [one, root].map(({ certPem }) => new X509Certificate(certPem).fingerprint256),
    );
    const key = /-----BEGIN PRIVATE KEY-----[\s\S]*?-----END PRIVATE KEY-----/.exec(run.stdout)![0];
    expect(createPrivateKey(key).equals(createPrivateKey(one.keyPem))).toBe(true);
  });
});
