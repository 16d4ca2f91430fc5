import { expect, it } from 'vitest';
import { killIssuances } from '../harness/killed-issuances.ts';

// Two hundred kills are in test/peers.
it('at a few random instants of whole issuances, and the next process goes on', async () => {
  const seed = Date.now() % 1_000_000;
  const report = await killIssuances({ kills: 3, seed, lanes: 1, longest: 3, patience: 30_000 });
  expect(report.damage, `with the seed ${seed}`).toEqual([]);
  expect(report.kills).toBeGreaterThan(0);
  expect(report.certificates).toBeGreaterThan(0);
}, 120_000);
