import { describe, expect, it } from 'vitest';
import { chooseLeastBusy } from '../../src/forward/choose-instance.ts';
import { createSeededRandom } from '../harness/seeded-random.ts';

interface Load {
  readonly name: string;
  readonly inFlight: number;
  readonly share: number;
}

const load = (name: string, inFlight: number, share = 1): Load => ({ name, inFlight, share });
const choose = (loads: readonly Load[], random = 0): string | undefined =>
  chooseLeastBusy(
    loads,
    ({ share }) => share,
    () => random,
  )?.name;

describe('the least busy of several', () => {
  it.each<[string, readonly Load[], string | undefined]>([
    ['the only one', [load('a', 5)], 'a'],
    ['who has fewest', [load('a', 5), load('b', 2), load('c', 3)], 'b'],
    ['not who is excluded, however idle', [load('a', 5), load('b', 0, 0)], 'a'],
    ['nobody where all are excluded', [load('a', 0, 0), load('b', 0, 0)], undefined],
    ['nobody where there is nobody', [], undefined],
    ['who is warming, as long as it has less than its share', [load('a', 20), load('b', 1, 0.1)], 'b'],
    ['not who is warming, when it has its share', [load('a', 20), load('b', 3, 0.1)], 'a'],
    ['who is warming, when it has nothing to do', [load('a', 1), load('b', 0, 0.1)], 'b'],
  ])('is %s', (_, loads, expected) => {
    expect(choose(loads)).toBe(expected);
  });

  it('is any of those that are equal, each as likely as the others', () => {
    const random = createSeededRandom(1).fraction;
    const candidates = [load('busy', 1), load('a', 0), load('b', 0), load('c', 0)];
    const counts: Record<string, number> = {};
    for (let index = 0; index < 9_000; index++) {
      const { name } = chooseLeastBusy(candidates, ({ share }) => share, random)!;
      counts[name] = (counts[name] ?? 0) + 1;
    }
    expect(Object.keys(counts).sort()).toEqual(['a', 'b', 'c']);
    for (const count of Object.values(counts)) expect(Math.abs(count - 3_000)).toBeLessThan(200);
  });
});
