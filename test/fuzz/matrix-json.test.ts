import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeCanonicalJson } from '../../src/matrix/canonical-json.ts';
import type { JsonObject } from '../../src/matrix/json.ts';
import { readKeyDocument } from '../../src/matrix/key-document.ts';
import { createSigningKey, signJson, verifySignedJson } from '../../src/matrix/signing.ts';
import { mergeJson } from '../../src/matrix/well-known.ts';
import { anyText } from '../harness/any-text.ts';

const LIMITS = { numRuns: 2000, interruptAfterTimeLimit: 10_000 };
const key = createSigningKey('ed25519:1', Buffer.alloc(32, 3));

// JSON as Matrix allows it to be signed: whole numbers and well-formed texts.
const text = anyText();
const { value: signable } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    text,
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(text, tie('value'), { maxKeys: 5 }),
  ),
}));

describe('canonical JSON', () => {
  test('keeps every signable value, and is the same whatever order the members came in', () => {
    fc.assert(
      fc.property(fc.dictionary(text, signable), (object) => {
        const canonical = encodeCanonicalJson(object);
        const read = JSON.parse(canonical) as object;
        expect(encodeCanonicalJson(read)).toBe(canonical);
        expect(encodeCanonicalJson(Object.fromEntries(Object.entries(object).reverse()))).toBe(canonical);
      }),
      LIMITS,
    );
  });

  test('sorts keys as their UTF-8 bytes sort', () => {
    fc.assert(
      fc.property(fc.uniqueArray(text), (keys) => {
        const canonical = encodeCanonicalJson(Object.fromEntries(keys.map((each) => [each, 0])));
        const bytes = [...canonical.matchAll(/("(?:[^"\\]|\\.)*"):0/gs)].map(
          (match) => JSON.parse(match[1]!) as string,
        );
        const expected = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
        expect(bytes).toEqual(expected);
      }),
      LIMITS,
    );
  });
});

describe('signed JSON', () => {
  test('verifies after it went over the wire', () => {
    fc.assert(
      fc.property(fc.dictionary(text, signable), text, (object, name) => {
        const signed = signJson(object, name, key.keyId, key.privateKey);
        const received = JSON.parse(JSON.stringify(signed)) as JsonObject;
        expect(verifySignedJson(received, name, key.keyId, key.publicKey)).toMatchObject({ ok: true });
      }),
      { ...LIMITS, numRuns: 500 },
    );
  });

  test('of a stranger never makes a reader throw', () => {
    fc.assert(
      fc.property(fc.object({ withNullPrototype: true }), text, text, text, (object, name, keyId, publicKey) => {
        const document = { ...object, signatures: object['signatures'] ?? { [name]: { [keyId]: publicKey } } };
        expect(verifySignedJson(document, name, keyId, publicKey).ok).toBe(false);
        expect(verifySignedJson(document, name, key.keyId, key.publicKey).ok).toBe(false);
        expect(readKeyDocument({ ...document, server_name: name, valid_until_ts: 1 }, name, 0).ok).toBe(false);
      }),
      LIMITS,
    );
  });
});

test('merging an object over itself, or nothing over it, changes nothing', () => {
  const nonNull = fc.dictionary(text, fc.oneof(fc.boolean(), text, fc.dictionary(text, fc.integer())));
  fc.assert(
    fc.property(nonNull, (object) => {
      expect(mergeJson(object, object)).toEqual(object);
      expect(mergeJson(object, {})).toEqual(object);
    }),
    LIMITS,
  );
});
