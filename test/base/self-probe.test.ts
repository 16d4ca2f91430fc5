import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createProbeToken, isProbeToken, proveProbe, verifyProbeToken } from '../../src/base/self-probe.ts';

const key = Buffer.alloc(32, 1);
const NOW = 1_800_000_000_000;

describe('a token', () => {
  const token = createProbeToken(key, NOW, Buffer.alloc(10, 2));

  it.each([
    ['at once', key, token, NOW, true],
    ['five minutes later', key, token, NOW + 300_000, true],
    ['by a clock that is five minutes behind', key, token, NOW - 300_000, true],
    ['after more than that', key, token, NOW + 300_001, false],
    ['with another key', Buffer.alloc(32, 9), token, NOW, false],
    ['with a byte more', key, `${token}A`, NOW, false],
    ['with another time written into it', key, `probe-B${token.slice(7)}`, NOW, false],
  ])('is good %s: %#', (_, by, text, now, good) => {
    expect(verifyProbeToken(by, text, now)).toBe(good);
  });

  it('is another each time, and so is its proof, which is no token', () => {
    const other = createProbeToken(key, NOW, randomBytes(10));
    expect(other).not.toBe(token);
    expect(proveProbe(key, other)).not.toBe(proveProbe(key, token));
    expect(isProbeToken(proveProbe(key, token))).toBe(false);
    expect(token).not.toContain(proveProbe(key, token));
  });

  it('cannot be guessed into being, nor does anything that a stranger sends throw', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^probe-[A-Za-z0-9_-]{44}$/)), (text) => {
        expect(verifyProbeToken(key, text, NOW)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});
