import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/matrix/json.ts';
import { buildKeyDocument, readKeyDocument } from '../../src/matrix/key-document.ts';
import { createSigningKey, signJson } from '../../src/matrix/signing.ts';

const key = createSigningKey('ed25519:a', Buffer.alloc(32, 1));
const other = createSigningKey('ed25519:b', Buffer.alloc(32, 2));
const document = buildKeyDocument('example.com', key, 2000);

/** The document with changes, signed again by the first key. */
function resigned(changes: JsonObject): JsonObject {
  const { signatures: _signatures, ...rest } = document;
  return signJson({ ...rest, ...changes }, 'example.com', key.keyId, key.privateKey);
}

describe('a key document', () => {
  test('that was built reads back', () => {
    const read = readKeyDocument(JSON.parse(JSON.stringify(document)), 'example.com', 1000);
    expect(read).toEqual({
      ok: true,
      value: {
        serverName: 'example.com',
        validUntil: 2000,
        verifyKeys: new Map([['ed25519:a', key.publicKey]]),
      },
    });
  });

  test('may list keys of algorithms that nobody knows yet', () => {
    const keys = { 'ed25519:a': { key: key.publicKey }, 'pq:1': { key: 'x' } };
    expect(readKeyDocument(resigned({ verify_keys: keys }), 'example.com', 1000).ok).toBe(true);
  });

  test.each<[string, unknown, number, RegExp]>([
    ['is no object', [], 0, /no JSON object/],
    ['is for another server', resigned({ server_name: 'example.org' }), 0, /for "example.org", not for example.com/],
    ['has run out', document, 2000, /no longer valid/],
    ['has no validity', resigned({ valid_until_ts: 'x' }), 0, /no longer valid/],
    ['has no keys', resigned({ verify_keys: null }), 0, /no verify_keys/],
    ['lists no ed25519 key', resigned({ verify_keys: { 'rsa:1': {} } }), 0, /lists no ed25519 key/],
    ['lists a key without a value', resigned({ verify_keys: { 'ed25519:a': 'x' } }), 0, /has no value/],
    ['was changed after it was signed', { ...document, valid_until_ts: 3000 }, 0, /does not match/],
    [
      'lists a key that did not sign it',
      resigned({ verify_keys: { 'ed25519:a': { key: key.publicKey }, 'ed25519:b': { key: other.publicKey } } }),
      0,
      /no signature by example.com with ed25519:b/,
    ],
  ])('that %s is refused', (_, value, now, why) => {
    const read = readKeyDocument(value, 'example.com', now);
    expect(read.ok).toBe(false);
    expect(read.ok || read.why).toMatch(why);
  });
});
