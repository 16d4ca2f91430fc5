import { expect, test } from 'vitest';
import { killIssuances } from '../harness/killed-issuances.ts';

const KILLS = Number(process.env['KILLS'] ?? 200);
const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

test('a process killed at random instants of whole issuances leaves nothing that the next one cannot go on with', async () => {
  const began = performance.now();
  const report = await killIssuances({ kills: KILLS, seed: SEED, lanes: 2, longest: 6 });
  console.log(`seed ${SEED}, ${Math.round((performance.now() - began) / 1000)} s`, {
    ...report,
    damage: report.damage.length,
  });
  expect(report.damage, `with SEED=${SEED}`).toEqual([]);
  expect(report.kills).toBeGreaterThanOrEqual(KILLS);
  expect(report.certificates).toBeGreaterThan(report.kills / 10);
}, 900_000);
