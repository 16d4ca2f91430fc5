import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { type CheckOptions, checkCertificate } from '../../src/tls/check-certificate.ts';
import { coversName } from '../../src/tls/covers-name.ts';
import { parsePemCertificate } from '../../src/tls/pem-certificate.ts';
import { readSubjectAltName } from '../../src/tls/subject-alt-name.ts';
import { readTrustedRoots } from '../../src/tls/trusted-roots.ts';
import { DAY, makeCertificate, makeEcCertificate, read } from './make-certificate.ts';

const NOW = Date.parse('2026-06-01T12:00:00Z');
const dates = { notBefore: NOW - 30 * DAY, notAfter: NOW + 60 * DAY };
const root = makeCertificate({ commonName: 'Root', ca: true, ...dates });
const middle = makeCertificate({ commonName: 'Middle', ca: true, issuer: root, ...dates });
const leaf = makeCertificate({ names: ['example.com', '*.example.com', '192.0.2.1'], issuer: middle, ...dates });
const roots = [new X509Certificate(root.certPem)];
const options: CheckOptions = { names: ['example.com'], now: NOW, roots };

function codes(certificate: Parameters<typeof checkCertificate>[0], more: Partial<CheckOptions> = {}): string[] {
  return checkCertificate(certificate, { ...options, ...more }).map(({ severity, code }) => `${severity} ${code}`);
}

describe('checking a certificate', () => {
  it('finds nothing wrong with one that is right, with and without the root', () => {
    expect(codes(read(leaf, middle))).toEqual([]);
    expect(codes(read(leaf, middle, root))).toEqual([]);
    expect(codes(read(leaf, middle, root), { roots: [] })).toEqual([]);
    expect(codes(read(makeEcCertificate(['example.com'], root, 'P-384', dates)))).toEqual([]);
  });

  it('finds a key that does not belong to it', () => {
    const mixed = parsePemCertificate(leaf.certPem + middle.certPem, root.keyPem, 'x');
    expect(codes(mixed)).toEqual(['error certificate-key-mismatch']);
  });

  it('names every name that it does not cover, and those that it does', () => {
    const findings = checkCertificate(read(leaf, middle), {
      ...options,
      names: ['a.example.com', 'example.org', '192.0.2.2'],
    });
    expect(findings.map(({ code }) => code)).toEqual(['certificate-name-missing', 'certificate-name-missing']);
    expect(findings[0]!.what).toBe(
      'The certificate in example.com does not cover example.org: it is for example.com, *.example.com, 192.0.2.1.',
    );
    expect(findings[1]!.what).toContain('192.0.2.2');
  });

  it('does not take the common name for a name', () => {
    const [finding] = checkCertificate(read(makeCertificate({ commonName: 'example.com', ...dates })), options);
    expect(finding).toMatchObject({ code: 'certificate-name-missing' });
    expect(finding!.what).toContain('no subjectAltName');
  });

  it.each([
    ['the last moment', NOW + 60 * DAY - 1, ['warning certificate-expires-soon']],
    ['its end', NOW + 60 * DAY, ['error certificate-expired']],
    ['before its beginning', NOW - 30 * DAY - 1, ['error certificate-not-yet-valid']],
    ['its beginning', NOW - 30 * DAY, []],
    ['14 days before its end', NOW + 46 * DAY, []],
    ['just less than 14 days before its end', NOW + 46 * DAY + 1, ['warning certificate-expires-soon']],
  ])('judges dates at %s', (_, now, expected) => {
    expect(codes(read(leaf, middle), { now })).toEqual(expected);
  });

  it('warns of a certificate for six days only in its last day', () => {
    const short = read(makeCertificate({ names: ['example.com'], notBefore: NOW, notAfter: NOW + 6 * DAY }));
    expect(codes(short, { now: NOW + 5 * DAY })).toEqual([]);
    expect(codes(short, { now: NOW + 5 * DAY + 1 })).toEqual(['warning certificate-expires-soon']);
  });

  it('names the intermediate that is missing', () => {
    const [finding, ...others] = checkCertificate(read(leaf), options);
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ severity: 'warning', code: 'certificate-chain-incomplete' });
    expect(finding!.what).toContain('CN=Middle');
    expect(finding!.fix).toContain('CN=Middle');
  });

  it('names what is missing at the end of the path, not of the file', () => {
    const [finding] = checkCertificate(read(leaf, middle, makeCertificate({ commonName: 'Stranger' })), {
      ...options,
      roots: [],
    });
    expect(finding!.what).toContain('CN=Root');
  });

  it('is not fooled by a root that only has the right name', () => {
    const namesake = makeCertificate({ commonName: 'Root', ca: true, ...dates });
    const found = codes(read(leaf, middle), { roots: [new X509Certificate(namesake.certPem)] });
    expect(found).toEqual(['warning certificate-chain-incomplete']);
  });

  it('warns when the file has the chain in another order', () => {
    const swapped = parsePemCertificate(middle.certPem + leaf.certPem, leaf.keyPem, 'x');
    expect(codes(swapped)).toEqual(['warning certificate-chain-order']);
  });

  it('finds keys that clients refuse', () => {
    expect(codes(read(makeCertificate({ names: ['example.com'], bits: 1024, ...dates })))).toEqual([
      'error certificate-key-unsupported',
    ]);
    expect(codes(read(makeEcCertificate(['example.com'], root, 'secp256k1', dates)))).toEqual([
      'error certificate-key-unsupported',
    ]);
  });

  // Node tells the signature's algorithm from 24.9 on.
  it.skipIf(new X509Certificate(root.certPem).signatureAlgorithm === undefined)(
    'warns of SHA-1, but not in a root',
    () => {
      const oldRoot = makeCertificate({ commonName: 'Old', ca: true, digest: 'sha1', ...dates });
      const signed = (digest: 'sha1' | 'sha256') =>
        makeCertificate({ names: ['example.com'], issuer: oldRoot, digest, ...dates });
      expect(codes(read(signed('sha256'), oldRoot))).toEqual([]);
      expect(codes(read(signed('sha1'), oldRoot))).toEqual(['warning certificate-sha1']);
    },
  );

  it('knows the roots that this Node trusts', () => {
    const trusted = new Set(readTrustedRoots().map(({ fingerprint256 }) => fingerprint256));
    expect(trusted.has(new X509Certificate(rootCertificates[0]!).fingerprint256)).toBe(true);
  });
});

describe('which names a certificate covers', () => {
  const certificate = {
    dnsNames: ['example.com', '*.example.com', '*.com', 'f*.example.net', '*.192.0.2', '192.0.2.9'],
    ipAddresses: ['192.0.2.1', '2001:db8::1'],
  };
  it.each([
    ['example.com', true],
    ['EXAMPLE.com', true],
    ['a.example.com', true],
    ['A.Example.Com', true],
    ['a.b.example.com', false],
    ['.example.com', false],
    ['*.example.com', true],
    ['example.org', false],
    ['other.com', false],
    ['foo.example.net', false],
    ['192.0.2.1', true],
    ['192.0.2.2', false],
    ['192.0.2.9', false],
    ['2001:db8::1', true],
    ['2001:DB8:0:0::0001', true],
    ['2001:db8::2', false],
    ['com', false],
    ['', false],
  ])('%j: %s', (name, covered) => {
    expect(coversName(certificate, name)).toBe(covered);
  });

  it.each([
    [undefined, [], []],
    ['', [], []],
    ['DNS:a.test, IP Address:2001:DB8:0:0:0:0:0:1, email:x@y, DNS:*.B.test', ['a.test', '*.b.test'], ['2001:db8::1']],
    ['DNS:"a, DNS:evil.test", DNS:b.test', ['b.test'], []],
    ['DNS:"a\\", DNS:evil.test", DNS:b.test', ['b.test'], []],
    ['IP Address:<invalid>, URI:https://x/, DNS:b.test', ['b.test'], []],
  ])('reads %j', (text, dnsNames, ipAddresses) => {
    expect(readSubjectAltName(text)).toEqual({ dnsNames, ipAddresses });
  });
});
