import { expect, it } from 'vitest';
import { runRandomCloses } from '../harness/random-closes.ts';

it('of 3,000 requests, mixed and over both versions, none fails and no POST is doubled', async () => {
  const run = await runRandomCloses(3_000);
  expect(run).toMatchObject({ sent: 3_000, answered: 3_000, failures: {}, doubled: 0 });
  // It was not for want of the race.
  expect(run.tooLate).toBeGreaterThan(0);
  expect(run.connections).toBeGreaterThan(1_000);
}, 60_000);
