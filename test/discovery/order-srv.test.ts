import { describe, expect, it } from 'vitest';
import { orderSrvRecords } from '../../src/discovery/order-srv.ts';
import type { SrvRecord } from '../../src/discovery/resolution.ts';

const record = (target: string, priority: number, weight: number): SrvRecord => ({ target, priority, weight, port: 1 });
const lots = (...numbers: readonly number[]) => {
  const left = [...numbers];
  return () => left.shift() ?? 0;
};
const order = (records: readonly SrvRecord[], random: () => number): string =>
  orderSrvRecords(records, random)
    .map(({ target }) => target)
    .join('');

describe('the order of SRV records', () => {
  it('is that of priority first', () => {
    const records = [record('c', 65_535, 9), record('a', 0, 0), record('b', 10, 65_535)];
    for (const lot of [0, 0.5, 0.999]) expect(order(records, () => lot)).toBe('abc');
  });

  it.each<[string, readonly number[], string]>([
    ['the lowest lot takes the record of weight 0', [0, 0, 0], 'zab'],
    ['any other passes it over', [0.1, 0.1], 'azb'],
    ['the highest takes the last', [0.99, 0.99, 0.99], 'baz'],
  ])('within a priority: %s', (_, numbers, expected) => {
    expect(order([record('a', 1, 5), record('b', 1, 5), record('z', 1, 0)], lots(...numbers))).toBe(expected);
  });

  it('follows the weights in the long run', () => {
    const records = [record('a', 1, 10), record('b', 1, 30), record('c', 1, 60)];
    const first = { a: 0, b: 0, c: 0 };
    // Lots at even distances, as good as very many random ones.
    for (let i = 0; i < 1000; i++) first[order(records, lots(i / 1000))[0] as 'a' | 'b' | 'c'] += 1;
    expect(first.a / 1000).toBeCloseTo(0.1, 1);
    expect(first.b / 1000).toBeCloseTo(0.3, 1);
    expect(first.c / 1000).toBeCloseTo(0.6, 1);
  });

  it('keeps every record, also of weight 0 alone, and takes nothing from the list that it is given', () => {
    const records = ['a', 'b', 'c'].map((target) => record(target, 0, 0));
    expect([...order(records, () => 0.999)].sort().join('')).toBe('abc');
    expect(records.length).toBe(3);
    expect(order([], () => 0)).toBe('');
  });
});
