import { createPrivateKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { SidecarError } from '../../src/base/errors.ts';
import { parsePemCertificate } from '../../src/tls/pem-certificate.ts';
import { makeCertificate, makeEcCertificate } from './make-certificate.ts';

const root = makeCertificate({ commonName: 'Root', ca: true });
const middle = makeCertificate({ commonName: 'Middle', ca: true, issuer: root });
const leaf = makeCertificate({
  names: ['Matrix.example.com', '*.example.org', '192.0.2.1', '2001:DB8::1'],
  issuer: middle,
});
const ec = makeEcCertificate(['ec.example.com'], root);
const fingerprint = (...args: Parameters<typeof parsePemCertificate>) => parsePemCertificate(...args).fingerprint256;
const expected = fingerprint(leaf.certPem, leaf.keyPem, 'leaf');

function refusal(chainPem: string, keyPem: string): SidecarError {
  try {
    parsePemCertificate(chainPem, keyPem, 'certs/example.pem');
  } catch (error) {
    expect(error).toBeInstanceOf(SidecarError);
    return error as SidecarError;
  }
  throw new Error('it was accepted');
}

describe('reading a certificate from PEM', () => {
  it('gives names in lower case, addresses in one spelling, and dates in milliseconds', () => {
    const certificate = parsePemCertificate(leaf.certPem + middle.certPem, leaf.keyPem, 'certs/example.pem');
    expect(certificate.dnsNames).toEqual(['matrix.example.com', '*.example.org']);
    expect(certificate.ipAddresses).toEqual(['192.0.2.1', '2001:db8::1']);
    expect(certificate.notAfter - certificate.notBefore).toBe(61 * 86_400_000);
    expect(certificate.origin).toBe('certs/example.pem');
    expect(certificate.chain.map(({ subject }) => subject)).toEqual(['CN=Matrix.example.com', 'CN=Middle']);
    expect(certificate.reordered).toBe(false);
  });

  it.each([
    ['key and certificates in one file, key first', leaf.keyPem + leaf.certPem + middle.certPem],
    ['CRLF line ends', (leaf.certPem + leaf.keyPem).replaceAll('\n', '\r\n')],
    ['a byte order mark', `\uFEFF${leaf.certPem}${leaf.keyPem}`],
    ['a byte order mark read as single bytes', `\u00ef\u00bb\u00bf${leaf.certPem}${leaf.keyPem}`],
    ['text around the blocks', `Bag Attributes\n  friendlyName: x\n${leaf.certPem}subject=/CN=x\n${leaf.keyPem}bye`],
    [
      'an older label',
      leaf.keyPem + leaf.certPem.replaceAll('BEGIN C', 'BEGIN X509 C').replaceAll('END C', 'END X509 C'),
    ],
    ['no line end at the end', (leaf.keyPem + leaf.certPem).trimEnd()],
  ])('accepts %s', (_, text) => {
    expect(fingerprint(text, text, 'one file')).toBe(expected);
  });

  it.each([
    ['RSA', leaf, 'pkcs1'],
    ['EC', ec, 'sec1'],
  ] as const)('accepts an %s key in its traditional form', (_, made, type) => {
    const keyPem = createPrivateKey(made.keyPem).export({ type, format: 'pem' }).toString();
    const certificate = parsePemCertificate(
      made.certPem,
      `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${keyPem}`,
      'x',
    );
    expect(certificate.keyPem).toBe(made.keyPem);
  });

  it('puts a chain in any order right: the leaf is the one that the key belongs to', () => {
    const right = [leaf, middle, root].map(({ certPem }) => certPem).join('');
    for (const order of [
      [root, middle, leaf],
      [middle, leaf, root],
      [leaf, root, middle],
      [leaf, leaf, middle, root],
    ]) {
      const certificate = parsePemCertificate(order.map(({ certPem }) => certPem).join(''), leaf.keyPem, 'x');
      expect(certificate.chainPem).toBe(right);
      expect(certificate.reordered).toBe(order.length === 3);
    }
  });

  it('keeps a certificate that is in no chain at the end', () => {
    const certificate = parsePemCertificate(leaf.certPem + ec.certPem + middle.certPem, leaf.keyPem, 'x');
    expect(certificate.chainPem).toBe(leaf.certPem + middle.certPem + ec.certPem);
  });

  it('takes the key that fits out of several', () => {
    expect(fingerprint(leaf.certPem, ec.keyPem + leaf.keyPem, 'x')).toBe(expected);
  });

  it.each([
    ['nothing', '', leaf.keyPem, 'certs/example.pem holds no certificate in PEM form', 'BEGIN CERTIFICATE'],
    ['no key', leaf.certPem, '', 'holds no private key', 'BEGIN PRIVATE KEY'],
    [
      'swapped files',
      leaf.keyPem,
      leaf.certPem,
      'holds a private key, and the file given as its key holds a certificate',
      'Swap',
    ],
    ['two certificates', leaf.certPem, leaf.certPem, 'holds no private key', 'It holds a certificate'],
    ['a cut-off certificate', leaf.certPem.slice(0, 300), leaf.keyPem, 'holds no certificate', 'openssl'],
    [
      'a damaged certificate',
      leaf.certPem.replace(/\n[^\n]{20}/, '\n'),
      leaf.keyPem,
      'Certificate 1 in certs/example.pem is damaged',
      'openssl',
    ],
    ['a damaged key', leaf.certPem, leaf.keyPem.replace(/\n[^\n]{20}/, '\n'), 'is damaged', 'openssl pkey'],
  ])('says clearly what is wrong with %s', (_, chainPem, keyPem, message, hint) => {
    const error = refusal(chainPem, keyPem);
    expect(error.message).toContain(message);
    expect(error.hint).toContain(hint);
    expect(error).toMatchObject({ code: 'certificate-unreadable', blame: 'operator' });
  });

  it.each([
    ['pkcs8', 'BEGIN ENCRYPTED PRIVATE KEY'],
    ['pkcs1', 'Proc-Type: 4,ENCRYPTED'],
  ] as const)('says that an encrypted %s key needs its passphrase removed', (type, marker) => {
    const key = createPrivateKey(leaf.keyPem);
    const keyPem = key.export({ type, format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' }).toString();
    expect(keyPem).toContain(marker);
    const error = refusal(leaf.certPem, keyPem);
    expect(error.message).toContain('passphrase');
    expect(error.hint).toContain('openssl pkey');
  });

  it('reads a large text of nothing but beginnings in a moment', () => {
    const started = performance.now();
    expect(refusal('-----BEGIN CERTIFICATE-----'.repeat(100_000), '').message).toContain('no certificate');
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
