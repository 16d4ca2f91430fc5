import { describe, expect, it } from 'vitest';
import { calmYears, judgeOrders, judgeYears, roughYears } from './judge-years.ts';
import { HOUR } from './ledger-facts.ts';
import { liveThroughYears } from './simulated-years.ts';

// Two years of it, with many seeds, are in test/peers: they take minutes.
const SEED = Number(process.env['SEED'] ?? 1);
const DAYS = Number(process.env['DAYS'] ?? 40);

describe('the keeper through weeks of restarts and kills', () => {
  it('orders nothing that it would not have ordered without them, and serves everything that it was given', async () => {
    const wish = calmYears(DAYS);
    const report = await liveThroughYears({ ...wish, seed: SEED });
    expect([...judgeYears(wish, report, HOUR), ...judgeOrders(wish, report)], `SEED=${SEED}`).toEqual([]);
    expect(report.kills).toBeGreaterThan(DAYS / 20);
  }, 60_000);

  it('with a CA that is away for days and fails at random lets nothing lapse that could be had', async () => {
    const wish = roughYears(DAYS);
    const report = await liveThroughYears({ ...wish, seed: SEED });
    expect(judgeYears(wish, report, 20 * HOUR), `SEED=${SEED}`).toEqual([]);
    expect(report.scripted.orders.issued.length).toBeGreaterThan(DAYS / 10);
  }, 60_000);
});
