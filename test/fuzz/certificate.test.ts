import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SidecarError } from '../../src/base/errors.ts';
import { parsePemCertificate } from '../../src/tls/pem-certificate.ts';
import { parsePkcs12 } from '../../src/tls/pkcs12-certificate.ts';
import { readSubjectAltName } from '../../src/tls/subject-alt-name.ts';
import { anyText } from '../harness/any-text.ts';
import { makeCertificate, makeEcCertificate } from '../tls/make-certificate.ts';
import { makePkcs12, makeRsaPkcs12 } from '../tls/make-pkcs12.ts';

const root = makeCertificate({ names: ['root.test'], ca: true });
const leaf = makeEcCertificate(['x.test'], root);
const budget = { interruptAfterTimeLimit: 15_000, markInterruptAsFailure: false };

function onlySidecarErrors(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(SidecarError);
    expect((error as SidecarError).hint).toMatch(/\w/);
  }
}

/** A few bytes of something valid changed, removed or put in. */
function damaged(whole: Buffer): fc.Arbitrary<Buffer> {
  const change = fc.record({
    at: fc.nat(whole.length - 1),
    drop: fc.nat(3),
    insert: fc.uint8Array({ maxLength: 3 }),
  });
  return fc
    .array(change, { minLength: 1, maxLength: 3 })
    .map((changes) =>
      changes.reduce(
        (bytes, { at, drop, insert }) => Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + drop)]),
        whole,
      ),
    );
}

it('any bytes as PKCS#12 give a SidecarError at worst', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.string(), (bytes, password) =>
      onlySidecarErrors(() => parsePkcs12(bytes, password, 'x.p12')),
    ),
    { numRuns: 2_000, ...budget },
  );
});

it.each([
  ['RSA', makeRsaPkcs12(root, [], 'p', '3des')],
  ['EC', makePkcs12(leaf.keyPem, [leaf], 'p')],
])('a damaged PKCS#12 file with an %s key gives a SidecarError at worst', (_, whole) => {
  expect(() => parsePkcs12(whole, 'p', 'x.p12')).not.toThrow();
  fc.assert(
    fc.property(damaged(whole), (bytes) => onlySidecarErrors(() => parsePkcs12(bytes, 'p', 'x.p12'))),
    { numRuns: 500, ...budget },
  );
});

it('any text as PEM gives a SidecarError at worst', () => {
  const piece = fc.oneof(
    anyText(),
    fc.constantFrom(
      '-----BEGIN ',
      '-----END ',
      'CERTIFICATE-----',
      'PRIVATE KEY-----',
      '\n',
      '\r\n',
      leaf.certPem,
      leaf.keyPem,
    ),
    fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('base64')),
  );
  const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
  fc.assert(
    fc.property(text, text, (chain, key) => onlySidecarErrors(() => parsePemCertificate(chain, key, 'x.pem'))),
    { numRuns: 2_000, ...budget },
  );
});

it('a damaged PEM file gives a SidecarError at worst', () => {
  fc.assert(
    fc.property(damaged(Buffer.from(leaf.keyPem + leaf.certPem + root.certPem)), (bytes) => {
      const text = bytes.toString('latin1');
      onlySidecarErrors(() => parsePemCertificate(text, text, 'x.pem'));
    }),
    { numRuns: 2_000, ...budget },
  );
});

it('a damaged certificate in a whole PEM block gives a SidecarError at worst', () => {
  const der = Buffer.from(leaf.certPem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  fc.assert(
    fc.property(damaged(der), (bytes) => {
      const pem = `-----BEGIN CERTIFICATE-----\n${bytes.toString('base64')}\n-----END CERTIFICATE-----\n`;
      onlySidecarErrors(() => parsePemCertificate(pem, leaf.keyPem, 'x.pem'));
    }),
    { numRuns: 2_000, ...budget },
  );
});

it('any text as subjectAltName gives only names that stand in it', () => {
  fc.assert(
    fc.property(anyText({ maxLength: 200 }), (text) => {
      for (const name of readSubjectAltName(text).dnsNames) expect(text.toLowerCase()).toContain(name);
    }),
    { numRuns: 2_000, ...budget },
  );
});
