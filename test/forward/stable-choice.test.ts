import { describe, expect, it } from 'vitest';
import { createStableChoice } from '../../src/forward/stable-choice.ts';

const names = (count: number) => Array.from({ length: count }, (_, index) => `http://worker${index + 1}:8081`);
const KEYS = Array.from({ length: 40_000 }, (_, index) => `@user${index}:example.com`);
const choices = (list: readonly string[]) => {
  const choose = createStableChoice(list);
  return KEYS.map((key) => list[choose(key)]!);
};

describe('the choice of an instance by a key', () => {
  it.each([2, 3, 5, 8, 16])('gives each of %i instances its share, within a tenth', (count) => {
    const chosen = choices(names(count));
    for (const name of names(count)) {
      const share = chosen.filter((each) => each === name).length / KEYS.length;
      expect(Math.abs(share * count - 1)).toBeLessThan(0.1);
    }
  });

  it.each([1, 2, 4, 9])('lets an instance that is added to %i take its share, and moves nothing else', (count) => {
    const before = choices(names(count));
    const after = choices(names(count + 1));
    const moved = KEYS.filter((_, index) => before[index] !== after[index]);
    const added = names(count + 1)[count]!;
    expect(KEYS.filter((_, index) => before[index] !== after[index] && after[index] !== added)).toEqual([]);
    expect(Math.abs((moved.length / KEYS.length) * (count + 1) - 1)).toBeLessThan(0.1);
  });

  it('spreads the keys of an instance that is lost over all others, and brings them back with it', () => {
    const list = names(4);
    const choose = createStableChoice(list);
    const all = KEYS.map((key) => choose(key));
    const without = KEYS.map((key) => choose(key, (index) => index !== 2));
    expect(KEYS.filter((_, index) => all[index] !== 2 && all[index] !== without[index])).toEqual([]);
    const orphans = without.filter((_, index) => all[index] === 2);
    for (const other of [0, 1, 3]) {
      const share = orphans.filter((index) => index === other).length / orphans.length;
      expect(Math.abs(share * 3 - 1)).toBeLessThan(0.1);
    }
    expect(KEYS.map((key) => choose(key))).toEqual(all);
  });

  it('follows the names and not their order, so that all sidecars agree', () => {
    expect(choices(names(6).toReversed())).toEqual(choices(names(6)));
  });

  it('finds none where none is usable', () => {
    expect(createStableChoice([])('a')).toBe(-1);
    expect(createStableChoice(names(3))('a', () => false)).toBe(-1);
  });
});

it('an instance that is usable for a share of the keys has that share of its own, and more when it grows', () => {
  const list = names(4);
  const choose = createStableChoice(list);
  const own = KEYS.filter((key) => choose(key) === 2);
  const withShare = (share: number) =>
    own.filter((key) => choose(key, (index, lot) => index !== 2 || lot < share) === 2);
  const [some, more] = [withShare(0.1), withShare(0.5)];
  expect(Math.abs(some.length / own.length - 0.1)).toBeLessThan(0.02);
  expect(Math.abs(more.length / own.length - 0.5)).toBeLessThan(0.03);
  expect(some.filter((key) => !more.includes(key))).toEqual([]);
  expect(withShare(1)).toEqual(own);
});
