import { describe, expect, it } from 'vitest';
import { calmYears, judgeOrders, judgeYears, roughYears } from '../acme/judge-years.ts';
import { HOUR } from '../acme/ledger-facts.ts';
import { liveThroughYears, type YearsReport } from '../acme/simulated-years.ts';

// It needs no peer, but minutes: the real keeper with real files and a real socket to its CA, on a clock that runs ahead.
const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const SEEDS = Number(process.env['SEEDS'] ?? 1);
const PATIENCE = 900_000;
const seeds = Array.from({ length: SEEDS }, (_, index) => SEED + index);

function tell(world: string, seed: number, { scripted, lives, kills, unheard }: YearsReport): void {
  const { made, issued } = scripted.orders;
  console.log(`${world}, SEED=${seed}`, { lives, kills, unheard, orders: made.length, certificates: issued.length });
}

describe.each(seeds)('two years of the keeper, SEED=%i', (seed) => {
  it(
    'of restarts and kills cost no order, and no certificate is lost',
    async () => {
      const wish = calmYears(730);
      const report = await liveThroughYears({ ...wish, seed });
      tell('calm', seed, report);
      expect([...judgeYears(wish, report, HOUR), ...judgeOrders(wish, report)]).toEqual([]);
      expect(report.kills).toBeGreaterThan(20);
    },
    PATIENCE,
  );

  it(
    'of outages for days and failures of all kinds let nothing lapse that could be had, within the limits',
    async () => {
      const wish = roughYears(730);
      const report = await liveThroughYears({ ...wish, seed });
      tell('rough', seed, report);
      expect(judgeYears(wish, report, 8 * HOUR)).toEqual([]);
      expect(report.scripted.orders.issued.length).toBeGreaterThan(150);
    },
    PATIENCE,
  );

  it(
    'and two months of a container that is killed all the time cost no order either',
    async () => {
      const wish = { ...calmYears(60), restartsEvery: 4 * HOUR, killed: 0.05 };
      const report = await liveThroughYears({ ...wish, seed });
      tell('crashing', seed, report);
      expect([...judgeYears(wish, report, HOUR), ...judgeOrders(wish, report)]).toEqual([]);
      expect(report.kills).toBeGreaterThan(100);
    },
    PATIENCE,
  );
});
