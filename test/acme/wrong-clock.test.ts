import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseLedger } from '../../src/acme/ledger.ts';
import { LEDGER_KEY } from '../../src/acme/ledger-store.ts';
import { type KeeperBench, openKeeperBench, T0 } from './keeper-bench.ts';
import type { KeeperLife } from './keeper-life.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

let bench: KeeperBench;
beforeEach(async () => {
  bench = await openKeeperBench({ lifetime: 12 * DAY - HOUR });
});
afterEach(() => bench.close());

/** Milliseconds of true time that are left of what is served. */
const left = (life: KeeperLife): number => life.served(bench.set)!.notAfter - bench.system.trueNow();
const orders = (): number => bench.scripted.count('new-order');

describe('with a clock that is wrong', () => {
  it.each([
    ['5 hours ahead of', 5 * HOUR],
    ['5 hours behind', -5 * HOUR],
    ['6 days ahead of', 6 * DAY],
    ['6 days behind', -6 * DAY],
    ['400 days ahead of', 400 * DAY],
    ['400 days behind', -400 * DAY],
  ])(
    'by being %s the true time, certificates are renewed when they should be, and it is said',
    async (words, wrong) => {
      bench.system.step(wrong);
      const life = await bench.start();
      await bench.system.run(7.5 * DAY);
      expect([orders(), left(life) > 4 * DAY]).toEqual([1, true]);
      await bench.system.run(DAY);
      expect([orders(), left(life) > 11 * DAY]).toEqual([2, true]);
      const warnings = life.log.at('warn').filter((line) => line.includes('clock'));
      expect(warnings).toHaveLength(1);
      expect(warnings[0]).toContain(`This machine's clock is ${words} the CA's`);
      // And when somebody sets it right, nothing is ordered for that.
      bench.system.step(-wrong);
      await bench.system.run(DAY);
      expect(orders()).toBe(2);
      expect(life.log.at('info').filter((line) => line.includes("agrees with the CA's again"))).toHaveLength(1);
    },
  );

  it.each([
    ['forth by three days', 3 * DAY],
    ['forth by two months', 60 * DAY],
    ['back by three days', -3 * DAY],
    ['back by two months', -60 * DAY],
  ])('that is set %s while the keeper sleeps, nothing is ordered for it and nothing lapses', async (_, step) => {
    const life = await bench.start();
    await bench.system.run(5 * DAY);
    bench.system.step(step);
    await bench.system.run(HOUR);
    expect(orders()).toBe(1);
    expect(life.log.at('warn').filter((line) => line.includes('clock'))).toHaveLength(1);
    await bench.system.run(3.5 * DAY);
    expect([orders(), left(life) > 11 * DAY]).toEqual([2, true]);
    bench.system.step(-step);
    await bench.system.run(7 * DAY);
    expect([orders(), left(life) > 3 * DAY]).toEqual([2, true]);
  });

  it('and a CA that is away meanwhile, what was decided by it is not held to afterwards', async () => {
    const life = await bench.start();
    await bench.system.run(5 * DAY);
    bench.scripted.rules.down = true;
    bench.system.step(100 * DAY);
    await bench.system.run(6 * HOUR);
    // As far as this machine can know the certificate has expired, and every attempt fails.
    expect(life.log.at('warn').some((line) => line.startsWith('warn No certificate from'))).toBe(true);
    bench.system.step(-100 * DAY);
    bench.scripted.rules.down = false;
    await bench.system.run(3.5 * DAY);
    expect([orders(), left(life) > 11 * DAY]).toEqual([2, true]);
    const { ledger } = parseLedger(await life.store.read(LEDGER_KEY), 0);
    const latest = bench.system.now();
    expect(ledger.orders.every(({ at, endedAt = at }) => at <= latest && endedAt <= latest)).toBe(true);
    expect(ledger.tries.every(({ lastAt }) => lastAt <= latest)).toBe(true);
  });

  it('from before the start, waits that were decided by it are as long as they were meant to be', async () => {
    bench.system.step(25 * DAY);
    bench.scripted.rules.down = true;
    const life = await bench.start();
    await bench.system.run(10 * MINUTE);
    await life.end();
    bench.system.step(-25 * DAY);
    bench.scripted.rules.down = false;
    const next = await bench.start();
    await bench.system.run(HOUR);
    expect(next.keeper.status()[0]?.notAfter).toBeGreaterThan(T0 + 11 * DAY);
  });
});
