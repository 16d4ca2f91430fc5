import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSigningKey } from '../../src/matrix/signing.ts';
import { parseXMatrix, signRequest, verifyRequest } from '../../src/matrix/x-matrix.ts';
import { anyText } from '../harness/any-text.ts';

const LIMITS = { numRuns: 3000, interruptAfterTimeLimit: 10_000 };
const key = createSigningKey('ed25519:1', Buffer.alloc(32, 3));
const blank = fc.stringMatching(/^[ \t]{0,3}$/);
const serverName = fc
  .stringMatching(/^[a-z0-9][a-z0-9.-]{0,30}(:[1-9][0-9]{0,3})?$/)
  .filter((text) => !/^[0-9.]+$/.test(text));

/** The value as a quoted string with some of its characters escaped that need not be. */
function quoted(value: string, escapes: readonly boolean[]): string {
  return `"${[...value].map((character, i) => (escapes[i % escapes.length] ? `\\${character}` : character)).join('')}"`;
}

describe('the X-Matrix parser', () => {
  test('never throws on strangers\u2019 bytes', () => {
    const pieces = fc.constantFrom(
      'origin',
      '=',
      '"',
      '\\',
      ',',
      ' ',
      '\t',
      'key',
      'sig',
      'ed25519:1',
      'A',
      '\u0000',
      '\u00ff',
    );
    const soup = fc.array(fc.oneof(pieces, anyText()), { maxLength: 60 }).map((all) => all.join(''));
    fc.assert(
      fc.property(soup, (text) => {
        expect(typeof parseXMatrix(`X-Matrix ${text}`).ok).toBe('boolean');
        expect(parseXMatrix(text).ok).toBe(false);
      }),
      LIMITS,
    );
  });

  test('is done with the worst header that it takes in a few milliseconds', () => {
    const worst = [' '.repeat(4000), 'a'.repeat(4000), `a${' '.repeat(4000)}`, '\\"'.repeat(2000), ', '.repeat(2000)];
    for (const text of [...worst, ...worst.map((each) => `a="${each}`)]) {
      const took = [1, 2, 3].map(() => {
        const before = performance.now();
        expect(parseXMatrix(`X-Matrix ${text}x`.slice(0, 4096)).ok).toBe(false);
        return performance.now() - before;
      });
      // The best of three, so that a busy machine does not look like a slow parser.
      expect(Math.min(...took)).toBeLessThan(20);
    }
  });

  test('reads every spelling that the grammar allows', () => {
    const spelling = fc.record({
      order: fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 5 }),
      blanks: fc.array(blank, { minLength: 4, maxLength: 4 }),
      escape: fc.array(fc.boolean(), { minLength: 1, maxLength: 7 }),
      quote: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
    });
    fc.assert(
      fc.property(
        serverName,
        serverName,
        fc.base64String({ minLength: 4 }),
        spelling,
        (origin, destination, sig, how) => {
          const parts = [
            ['origin', origin],
            ['Destination', destination],
            ['KEY', 'ed25519:abc'],
            ['sig', sig],
            ['unknown', 'x'],
          ] as const;
          const [before, after, left, right] = how.blanks;
          const list = how.order.map((at) => {
            const [name, value] = parts[at]!;
            return `${name}${left}=${right}${how.quote[at] ? quoted(value, how.escape) : value}`;
          });
          const parsed = parseXMatrix(`X-Matrix ${list.join(`${before},${after}`)}`);
          expect(parsed).toMatchObject({
            ok: true,
            value: { origin: { text: origin }, destination: { text: destination }, key: 'ed25519:abc', sig },
          });
        },
      ),
      LIMITS,
    );
  });
});

test('a signed request verifies for exactly the target that was signed', () => {
  const target = fc.string({ unit: 'grapheme-ascii' }).map((text) => `/_matrix/federation/${text}`);
  fc.assert(
    fc.property(target, target, serverName, (uri, otherUri, origin) => {
      const header = parseXMatrix(signRequest({ method: 'GET', uri, origin, destination: 'b' }, key));
      if (!header.ok) throw new Error(header.why);
      expect(verifyRequest(header.value, { method: 'GET', uri }, 'b', key.publicKey).ok).toBe(true);
      const other = verifyRequest(header.value, { method: 'GET', uri: otherUri }, 'b', key.publicKey);
      expect(other.ok).toBe(uri === otherUri);
    }),
    { ...LIMITS, numRuns: 500 },
  );
});
