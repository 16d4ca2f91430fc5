import { describe, expect, it } from 'vitest';
import { calmYears, judgeOrders, judgeYears, roughYears } from './judge-years.ts';
import { HOUR } from './ledger-facts.ts';
import { liveThroughYears } from './simulated-years.ts';

// The two years, with other seeds each time, are in test/peers: they take minutes.
const [CALM_DAYS, ROUGH_DAYS] = [32, 20];
const SEED = Number(process.env['SEED'] ?? 3);

describe('the real keeper through weeks of its two years', () => {
  it('orders nothing for restarts and kills, and serves everything that it was given', async () => {
    const wish = calmYears(CALM_DAYS);
    const report = await liveThroughYears({ ...wish, seed: SEED });
    expect([...judgeYears(wish, report, HOUR), ...judgeOrders(wish, report)], `SEED=${SEED}`).toEqual([]);
    expect(report.kills).toBeGreaterThan(CALM_DAYS / 20);
  }, 60_000);

  it('with a CA that is away for days and fails at random lets nothing lapse that could be had', async () => {
    const wish = roughYears(ROUGH_DAYS);
    const report = await liveThroughYears({ ...wish, seed: SEED });
    expect(judgeYears(wish, report, 8 * HOUR), `SEED=${SEED}`).toEqual([]);
    expect(report.scripted.orders.issued.length).toBeGreaterThan(ROUGH_DAYS / 10);
  }, 60_000);
});
