import { describe, expect, test } from 'vitest';
import { SidecarError } from '../../src/base/errors.ts';
import { decodeBase64, encodeBase64 } from '../../src/matrix/base64.ts';
import type { JsonObject } from '../../src/matrix/json.ts';
import { createSigningKey, signJson, verifySignedJson } from '../../src/matrix/signing.ts';

function bytesOf(base64: string): Buffer {
  const decoded = decodeBase64(base64);
  if (!decoded.ok) throw new Error(decoded.why);
  return decoded.value;
}

// Matrix appendices, "Cryptographic Test Vectors".
const key = createSigningKey('ed25519:1', bytesOf('YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1'));
const sign = (object: JsonObject): JsonObject => signJson(object, 'domain', key.keyId, key.privateKey);
const check = (object: JsonObject, name = 'domain', keyId = key.keyId, publicKey = key.publicKey) =>
  verifySignedJson(object, name, keyId, publicKey);

describe('unpadded Base64', () => {
  test.each([
    ['', ''],
    ['f', 'Zg'],
    ['fo', 'Zm8'],
    ['foo', 'Zm9v'],
    ['foob', 'Zm9vYg'],
    ['fooba', 'Zm9vYmE'],
    ['foobar', 'Zm9vYmFy'],
  ])('of %j is %j, and reads back', (text, base64) => {
    expect(encodeBase64(Buffer.from(text))).toBe(base64);
    expect(bytesOf(base64).toString()).toBe(text);
  });

  test.each(['Zg==', 'Zm8='])('padding is accepted: %s', (base64) => {
    expect(decodeBase64(base64).ok).toBe(true);
  });

  test.each(['Z', 'Zg=', 'Zm8==', 'Zm9v=', '====', 'Zm-_', 'Zm 9v', 'Zm9v\n', 'Zg==Zg==', 'é'])(
    '%j is refused',
    (junk) => {
      expect(decodeBase64(junk).ok).toBe(false);
    },
  );

  test('encodes a view into a larger buffer, not the whole of it', () => {
    expect(encodeBase64(new Uint8Array([1, 102, 2]).subarray(1, 2))).toBe('Zg');
  });
});

describe('signing', () => {
  test.each([
    [{}, 'K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV/7Xg4ahLwYGYZzuHGZKM5ZAQ'],
    [{ one: 1, two: 'Two' }, 'KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw'],
  ])('reproduces the test vector of the specification for %j', (object, signature) => {
    expect(sign(object)).toEqual({ ...object, signatures: { domain: { 'ed25519:1': signature } } });
  });

  test('keeps other signatures and unsigned, which it does not cover', () => {
    const signed = sign({
      one: 1,
      two: 'Two',
      unsigned: { age: 1 },
      signatures: { domain: { 'x:1': 'A' }, other: {} },
    });
    expect(signed).toEqual({
      one: 1,
      two: 'Two',
      unsigned: { age: 1 },
      signatures: {
        domain: {
          'x:1': 'A',
          'ed25519:1': 'KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw',
        },
        other: {},
      },
    });
  });

  test('leaves the object that was given alone', () => {
    const object = Object.freeze({ a: 1, signatures: Object.freeze({}) });
    sign(object);
    expect(object).toEqual({ a: 1, signatures: {} });
  });

  test.each([
    ['ed25519:1', 31],
    ['ed25519:', 32],
    ['rsa:1', 32],
    ['ed25519:a-b', 32],
  ])('no key is made of id %s and %d bytes', (keyId, length) => {
    expect(() => createSigningKey(keyId, new Uint8Array(length))).toThrow(SidecarError);
  });
});

describe('verifying', () => {
  const good = sign({ one: 1, two: 'Two' });
  const withSignature = (signature: unknown): JsonObject => ({
    one: 1,
    signatures: { domain: { 'ed25519:1': signature } },
  });

  test('accepts what was signed, whatever stands under unsigned', () => {
    expect(check(good)).toEqual({ ok: true, value: good });
    expect(check({ ...good, unsigned: { age: 5 } }).ok).toBe(true);
  });

  test('accepts a name that is also a property of every object', () => {
    const signed = signJson({ a: 1 }, '__proto__', key.keyId, key.privateKey);
    expect(check(signed, '__proto__').ok).toBe(true);
    expect(check({ a: 1, signatures: {} }, 'constructor')).toMatchObject({ ok: false });
  });

  // The signature with the group order added to its second half: a second, malleable form of the same one.
  const malleable = (() => {
    const order = (1n << 252n) + 27742317777372353535851937790883648493n;
    const bytes = bytesOf('KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw');
    let s = BigInt(`0x${Buffer.from(bytes.subarray(32)).reverse().toString('hex')}`) + order;
    for (let i = 32; i < 64; i++, s >>= 8n) bytes[i] = Number(s & 0xffn);
    return { one: 1, two: 'Two', signatures: { domain: { 'ed25519:1': encodeBase64(bytes) } } };
  })();

  test.each<[string, JsonObject, string[], RegExp]>([
    ['a changed value', { ...good, one: 2 }, [], /does not match/],
    ['an added member', { ...good, three: 3 }, [], /does not match/],
    ['another name', good, ['other'], /no signature by other/],
    ['another key id', good, ['domain', 'ed25519:2'], /no signature by domain with ed25519:2/],
    ['another algorithm', good, ['domain', 'rsa:1'], /no ed25519 key id/],
    [
      'another public key',
      good,
      ['domain', 'ed25519:1', encodeBase64(Buffer.alloc(32, 7))],
      /does not match|no ed25519 key/,
    ],
    ['a short public key', good, ['domain', 'ed25519:1', encodeBase64(Buffer.alloc(31))], /is not 32 bytes/],
    ['a public key that is junk', good, ['domain', 'ed25519:1', '!!'], /is not 32 bytes/],
    ['no signatures at all', { one: 1 }, [], /no signature/],
    ['signatures that are a list', { one: 1, signatures: [] }, [], /no signature/],
    ['a signature that is a number', withSignature(1), [], /no signature/],
    ['a signature of 63 bytes', withSignature(encodeBase64(Buffer.alloc(63))), [], /not 64 bytes/],
    ['a signature that is junk', withSignature('*'), [], /not 64 bytes/],
    ['a malleable form of the signature', malleable, [], /does not match/],
    ['a value without canonical form', { ...good, one: 1.5 }, [], /canonical JSON at \$\.one/],
  ])('refuses %s and says why', (_, object, [name, keyId, publicKey], why) => {
    const outcome = check(object, name, keyId, publicKey);
    expect(outcome.ok).toBe(false);
    expect(outcome.ok || outcome.why).toMatch(why);
  });
});
