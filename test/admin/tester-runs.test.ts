import { expect, it } from 'vitest';
import { createTesterRuns } from '../../src/admin/tester-runs.ts';
import { realSystem } from '../../src/base/system.ts';

function bench() {
  const state = { now: 0 };
  const runs = createTesterRuns<string>(
    { most: 2, keep: 10_000 },
    { system: { ...realSystem, monotonic: () => state.now } },
  );
  return { state, runs };
}
const never = () => new Promise<string>(() => {});

it('a test that is under way or just done is found again, and after a while it is not', async () => {
  const { state, runs } = bench();
  const first = runs.begin('a.test', async () => 'one');
  expect(runs.find('a.test')).toBe(first);
  await first;
  state.now = 9_999;
  expect(await runs.find('a.test')).toBe('one');
  state.now = 10_000;
  expect(runs.find('a.test')).toBeUndefined();
});

it('only so many are under way at a time; those that are done do not count', async () => {
  const { runs } = bench();
  await runs.begin('done.test', async () => 'done');
  expect(runs.begin('a.test', never)).toBeDefined();
  expect(runs.begin('b.test', never)).toBeDefined();
  expect(runs.begin('c.test', never)).toBeUndefined();
});

it('one that failed is forgotten at once', async () => {
  const { runs } = bench();
  await expect(runs.begin('a.test', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(runs.find('a.test')).toBeUndefined();
});

it('closing ends what is under way and begins nothing more', () => {
  const { runs } = bench();
  let signal: AbortSignal | undefined;
  void runs.begin('a.test', (given) => {
    signal = given;
    return never();
  });
  runs.close();
  runs.close();
  expect([signal?.aborted, runs.begin('b.test', never)]).toEqual([true, undefined]);
});

it('results of any number of tests cost a bounded memory', async () => {
  const { runs } = bench();
  for (let index = 0; index < 200; index++) await runs.begin(`${index}.test`, async () => 'x');
  const kept = Array.from({ length: 200 }, (_, index) => runs.find(`${index}.test`)).filter(Boolean);
  expect(kept.length).toBeGreaterThan(10);
  expect(kept.length).toBeLessThanOrEqual(32);
});
