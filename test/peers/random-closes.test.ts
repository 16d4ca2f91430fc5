import { afterAll, expect, test } from 'vitest';
import { type RandomCloses, runRandomCloses } from '../harness/random-closes.ts';

let run: RandomCloses | undefined;

afterAll(() => {
  console.log(`Across random closes of the homeserver's connections: ${JSON.stringify(run)}`);
});

test('100,000 requests across random closes of idle connections: zero errors', async () => {
  run = await runRandomCloses(100_000);
  expect(run).toMatchObject({ sent: 100_000, answered: 100_000, failures: {}, doubled: 0 });
  expect(run.tooLate).toBeGreaterThan(100);
}, 600_000);
