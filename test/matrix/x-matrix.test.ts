import { describe, expect, test } from 'vitest';
import { createSigningKey } from '../../src/matrix/signing.ts';
import { parseXMatrix, signRequest, verifyRequest, type XMatrix } from '../../src/matrix/x-matrix.ts';

const key = createSigningKey('ed25519:key1', Buffer.alloc(32, 9));
const request = {
  method: 'PUT',
  uri: "/_matrix/federation/v1/send/1?a='%2F",
  origin: 'a.example:8448',
  destination: 'b.example',
  content: { pdus: [], n: 1 },
};

function parsed(header: string): XMatrix {
  const outcome = parseXMatrix(header);
  if (!outcome.ok) throw new Error(outcome.why);
  return outcome.value;
}

/** The parts as texts, to compare with. */
function parts(header: string): (string | undefined)[] {
  const { origin, destination, key: keyId, sig } = parsed(header);
  return [origin.text, destination?.text, keyId, sig];
}

describe('signing a request', () => {
  test('gives the header in the form of the specification', () => {
    expect(signRequest(request, key)).toMatch(
      /^X-Matrix origin="a\.example:8448",destination="b\.example",key="ed25519:key1",sig="[A-Za-z0-9+/]{86}"$/,
    );
  });

  test('is undone by parsing and verifying', () => {
    const header = parsed(signRequest(request, key));
    expect(verifyRequest(header, request, 'b.example', key.publicKey).ok).toBe(true);
  });

  test('without a body signs no content', () => {
    const { content: _content, ...bare } = request;
    const header = parsed(signRequest(bare, key));
    expect(verifyRequest(header, bare, 'b.example', key.publicKey).ok).toBe(true);
    expect(verifyRequest(header, { ...bare, content: {} }, 'b.example', key.publicKey).ok).toBe(false);
  });

  test('covers the destination also where the header leaves it out', () => {
    const header = parsed(signRequest(request, key).replace(',destination="b.example"', ''));
    expect(header.destination).toBeUndefined();
    expect(verifyRequest(header, request, 'b.example', key.publicKey).ok).toBe(true);
    expect(verifyRequest(header, request, 'c.example', key.publicKey).ok).toBe(false);
  });

  test.each([
    ['another method', { ...request, method: 'POST' }],
    ['a target with one byte changed', { ...request, uri: request.uri.replace('%2F', '/') }],
    ['a body with one value changed', { ...request, content: { pdus: [], n: 2 } }],
  ])('%s does not match', (_, changed) => {
    const outcome = verifyRequest(parsed(signRequest(request, key)), changed, 'b.example', key.publicKey);
    expect(outcome).toEqual({ ok: false, why: expect.stringMatching(/does not match/) });
  });

  test('a request for another server is refused', () => {
    const outcome = verifyRequest(parsed(signRequest(request, key)), request, 'B.example', key.publicKey);
    expect(outcome).toEqual({ ok: false, why: 'the request is meant for b.example, and this is B.example' });
  });
});

describe('parsing a header', () => {
  const all = ['a.example', 'b.example', 'ed25519:1', 'AAAA'];

  test.each([
    ['as it should be', 'X-Matrix origin="a.example",destination="b.example",key="ed25519:1",sig="AAAA"'],
    ['in another order', 'X-Matrix sig="AAAA",key="ed25519:1",destination="b.example",origin="a.example"'],
    ['with unquoted colons', 'X-Matrix origin=a.example,destination=b.example,key=ed25519:1,sig=AAAA'],
    ['with blanks', 'X-Matrix   origin = "a.example" ,\tdestination="b.example" , key="ed25519:1", sig="AAAA" '],
    ['in capitals', 'x-MATRIX ORIGIN="a.example",Destination="b.example",KEY="ed25519:1",Sig="AAAA"'],
    ['with escapes', 'X-Matrix origin="a\\.example",destination="\\b.example",key="ed25519\\:1",sig="AAAA"'],
    ['with unknown parts', 'X-Matrix v=2,origin=a.example,destination=b.example,key=ed25519:1,sig=AAAA,z="a,\\"b"'],
    ['with empty elements', 'X-Matrix ,,origin=a.example, ,destination=b.example,key=ed25519:1,sig=AAAA,'],
  ])('written %s', (_, header) => {
    expect(parts(header)).toEqual(all);
  });

  test('keeps the padding and the slashes of an unquoted signature', () => {
    expect(parts('X-Matrix origin=a,key=ed25519:1,sig=A/+=')).toEqual(['a', undefined, 'ed25519:1', 'A/+=']);
  });

  test.each([
    ['nothing', '', /does not begin/],
    ['another scheme', 'Bearer abc', /does not begin/],
    ['a scheme alone', 'X-Matrix ', /origin is missing/],
    ['no blank after the scheme', 'X-Matrixorigin=a', /does not begin/],
    ['no origin', 'X-Matrix key=ed25519:1,sig=AAAA', /origin is missing/],
    ['an origin that is no name', 'X-Matrix origin="a b",key=ed25519:1,sig=AAAA', /origin/],
    ['a destination that is no name', 'X-Matrix origin=a,destination="/",key=ed25519:1,sig=AAAA', /destination/],
    ['no key', 'X-Matrix origin=a,sig=AAAA', /key is missing/],
    ['a key of another algorithm', 'X-Matrix origin=a,key=rsa:1,sig=AAAA', /key is missing or no ed25519/],
    ['no signature', 'X-Matrix origin=a,key=ed25519:1', /sig is missing/],
    ['a signature that is no Base64', 'X-Matrix origin=a,key=ed25519:1,sig="*"', /sig is missing or not Base64/],
    ['a part twice', 'X-Matrix origin=a,Origin=b,key=ed25519:1,sig=AAAA', /origin twice/],
    ['an open quote', 'X-Matrix origin="a,key=ed25519:1,sig=AAAA', /not a list/],
    ['text after a quote', 'X-Matrix origin="a"b,key=ed25519:1,sig=AAAA', /not a list/],
    ['no equals sign', 'X-Matrix origin,key=ed25519:1,sig=AAAA', /not a list/],
    ['thousands of parts', `X-Matrix ${Array.from({ length: 40 }, (_, i) => `p${i}=1`).join(',')}`, /over 32/],
    ['endless text', `X-Matrix origin=${'a'.repeat(5000)}`, /longer than 4096/],
  ])('refuses %s', (_, header, why) => {
    const outcome = parseXMatrix(header);
    expect(outcome.ok).toBe(false);
    expect(outcome.ok || outcome.why).toMatch(why);
  });
});
