import { execFileSync, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SidecarError } from '../../src/base/errors.ts';
import { parsePkcs12 } from '../../src/tls/pkcs12-certificate.ts';
import { type Made, makeCertificate, makeEcCertificate } from './make-certificate.ts';
import { makePkcs12, makeRsaPkcs12 } from './make-pkcs12.ts';

const root = makeCertificate({ commonName: 'Root', ca: true });
const middle = makeCertificate({ commonName: 'Middle', ca: true, issuer: root });
const rsa = makeCertificate({ names: ['rsa.example.com'], issuer: middle });
const ec = makeEcCertificate(['ec.example.com'], middle);
const openssl = spawnSync('openssl', ['version']).status === 0;

function expectSame(bytes: Buffer, password: string, made: Made): void {
  const certificate = parsePkcs12(bytes, password, 'example.p12');
  // Byte for byte: a certificate that was decoded and encoded again may have lost its signature.
  expect(certificate.chain.map(({ raw }) => raw)).toEqual(
    [made, middle, root].map(({ certPem }) => new X509Certificate(certPem).raw),
  );
  expect(certificate.keyPem).toBe(made.keyPem);
  expect(certificate.origin).toBe('example.p12');
}

function refusal(bytes: Uint8Array, password: string): SidecarError {
  try {
    parsePkcs12(bytes, password, 'example.p12');
  } catch (error) {
    expect(error).toBeInstanceOf(SidecarError);
    return error as SidecarError;
  }
  throw new Error('it was accepted');
}

describe('reading a certificate from PKCS#12', () => {
  it.each(['aes256', '3des'] as const)('reads what forge wrote with %s', (algorithm) => {
    expectSame(makeRsaPkcs12(rsa, [middle, root], 'secret', algorithm), 'secret', rsa);
  });

  it.each([
    ['RSA', rsa],
    ['EC', ec],
  ])('reads an %s key with its chain in any order', (_, made) => {
    expectSame(makePkcs12(made.keyPem, [made, middle, root], 'secret'), 'secret', made);
    expectSame(makePkcs12(made.keyPem, [root, middle, made], 'secret'), 'secret', made);
  });

  it.each(['', 'pässwörd', 'パスワード', 'with space'])('opens a file with the password %j', (password) => {
    expectSame(makePkcs12(ec.keyPem, [ec, middle, root], password), password, ec);
  });

  it.each([
    ['secret', 'wrong'],
    ['secret', ''],
    ['', 'secret'],
    ['pässwörd', 'passwörd'],
  ])('says that a password is wrong (%j instead of %j)', (right, wrong) => {
    const error = refusal(makePkcs12(ec.keyPem, [ec], right), wrong);
    expect(error.message).toBe('The password does not open example.p12.');
    expect(error).toMatchObject({ code: 'certificate-unreadable', blame: 'operator' });
  });

  it('says that PEM is no PKCS#12', () => {
    const error = refusal(Buffer.from(rsa.certPem), 'secret');
    expect(error.message).toContain('example.p12 is no PKCS#12 file');
    expect(error.hint).toContain('PEM');
  });

  it('says that there is no certificate in it', () => {
    expect(refusal(makePkcs12(ec.keyPem, [], 'secret'), 'secret').message).toContain('holds no certificate');
  });

  it('says that a cut-off file cannot be read', () => {
    const whole = makePkcs12(ec.keyPem, [ec], 'secret');
    expect(refusal(whole.subarray(0, whole.length - 50), 'secret').message).toContain('example.p12');
  });

  it('refuses a file whose MAC asks for hours of work', () => {
    const started = performance.now();
    const error = refusal(makePkcs12(ec.keyPem, [ec], 'secret', 0x7fffffff), 'secret');
    expect(error.message).toContain('rounds');
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  describe.skipIf(!openssl)('as the openssl on this machine writes it', () => {
    it.each([
      ['RSA', rsa, []],
      ['EC', ec, []],
      ['EC, older algorithms', ec, ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1']],
      ['EC, no MAC', ec, ['-nomac']],
    ])('%s', (_, made, options) => {
      const folder = mkdtempSync(join(tmpdir(), 'sidecar-p12-'));
      try {
        const file = join(folder, 'all.pem');
        writeFileSync(file, made.keyPem + made.certPem + middle.certPem + root.certPem, { mode: 0o600 });
        const args = ['pkcs12', '-export', '-in', file, '-passout', 'pass:secret', ...options];
        expectSame(execFileSync('openssl', args), 'secret', made);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  });
});
