import type { ProblemDocument } from '../../src/acme/problem.ts';
import type { OrderKey } from '../../src/acme/record-order.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const T0 = Date.parse('2026-06-01T00:00:00Z');
/** Dice that always fall in the middle: no jitter. */
export const middle = () => 0.5;

export const key = (more: Partial<OrderKey> = {}): OrderKey => ({
  ca: 'ca.example-12345678',
  account: 'https://ca.example/acct/1',
  set: 'example.com-0a1b2c3d',
  names: ['example.com', 'matrix.example.com'],
  ...more,
});

export const problem = (type: string, more: Partial<ProblemDocument> = {}): ProblemDocument => ({
  type,
  detail: `about ${type}`,
  status: 400,
  subproblems: [],
  ...more,
});

/** Reproducible dice (mulberry32). */
export function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
