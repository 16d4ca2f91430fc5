import { expect, it } from 'vitest';
import { realSystem } from '../../src/base/system.ts';
import { type BusiestNames, createBusiestNames } from '../../src/observe/busiest-names.ts';

const WINDOW = 300_000;

function setUp(shown = 3, remembered = 100): { readonly names: BusiestNames; later(ms: number): void } {
  let now = 0;
  const system = { ...realSystem, monotonic: () => now };
  const names = createBusiestNames({ window: WINDOW, shown, remembered }, { system });
  return {
    names,
    later(ms) {
      now += ms;
    },
  };
}
const times = (count: number, act: (index: number) => void): void => {
  for (let index = 0; index < count; index++) act(index);
};

it('the busiest come first, and the rest is one', () => {
  const { names } = setUp();
  for (const [name, count] of Object.entries({ 'a.test': 1, 'b.test': 5, 'c.test': 3, 'd.test': 2, 'e.test': 1 }))
    times(count, () => names.note(name));
  names.note(undefined);
  expect(names.describe()).toEqual([
    { name: 'b.test', count: 5 },
    { name: 'c.test', count: 3 },
    { name: 'd.test', count: 2 },
    { name: 'other', count: 3 },
  ]);
});

it('a server that calls itself other is among the others', () => {
  const { names } = setUp();
  names.note('other');
  names.note(undefined);
  expect(names.describe()).toEqual([{ name: 'other', count: 2 }]);
});

it('what is told is the last whole window, and before its end the first one as far as it is', () => {
  const { names, later } = setUp();
  times(4, () => names.note('a.test'));
  expect(names.describe()).toEqual([{ name: 'a.test', count: 4 }]);
  later(WINDOW);
  names.note('b.test');
  expect(names.describe()).toEqual([{ name: 'a.test', count: 4 }]);
  later(WINDOW);
  expect(names.describe()).toEqual([{ name: 'b.test', count: 1 }]);
  later(WINDOW);
  expect(names.describe()).toEqual([]);
});

it('a window in which nobody looked and nobody came is not told for long', () => {
  const { names, later } = setUp();
  names.note('a.test');
  later(10 * WINDOW);
  expect(names.describe()).toEqual([]);
});

it('a million names take no more room than a hundred, in no more time, and do not hide who is busy', () => {
  const { names } = setUp();
  const began = performance.now();
  times(1_000_000, (index) => {
    names.note(`server${index}.test`);
    if (index % 20 === 0) names.note('busy.test');
  });
  expect(performance.now() - began).toBeLessThan(20_000);
  expect(names.remembered).toBeLessThanOrEqual(100);
  const told = names.describe();
  expect(told[0]!.name).toBe('busy.test');
  expect(told[0]!.count).toBeGreaterThan(30_000);
  expect(told[0]!.count).toBeLessThanOrEqual(50_000);
  expect(told.reduce((sum, { count }) => sum + count, 0)).toBe(1_050_000);
});
