import { describe, expect, it } from 'vitest';
import { median, orderOfRound, quantile, ratioOfRounds } from '../../bench/statistics.ts';

describe('statistics of the bench', () => {
  it.each([
    ['one value', [7], 7],
    ['an odd number', [9, 1, 5], 5],
    ['an even number', [4, 1, 2, 9], 3],
  ])('takes the median of %s', (_, values, expected) => {
    expect(median(values)).toBe(expected);
  });

  it('has no median of nothing', () => {
    expect(median([])).toBeNaN();
  });

  it.each([
    [0.5, 50],
    [0.99, 99],
    [1, 100],
  ])('takes the %f quantile by nearest rank', (share, expected) => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(quantile(values, share)).toBe(expected);
  });

  it('compares within a round, so that a slow round counts for both', () => {
    expect(ratioOfRounds([20, 200, 22], [10, 100, 10])).toBe(2);
  });

  it('compares only rounds that both have', () => {
    expect(ratioOfRounds([20, undefined, 30], [10, 10, undefined])).toBe(2);
    expect(ratioOfRounds([20], [undefined])).toBeUndefined();
  });

  it('turns the order round from one round to the next', () => {
    expect([0, 1, 2].map((round) => orderOfRound(['a', 'b'], round).join(''))).toEqual(['ab', 'ba', 'ab']);
  });
});
