import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CaLimits, limitsOfCa } from '../../src/acme/ca-limits.ts';
import { emptyLedger } from '../../src/acme/ledger.ts';
import { mayOrder } from '../../src/acme/limits.ts';
import { mayAttempt } from '../../src/acme/may-attempt.ts';
import { recordFailure, recordOrder, recordSuccess } from '../../src/acme/record-order.ts';
import { DAY, dice, HOUR, key, MINUTE, middle, problem, T0 } from './ledger-facts.ts';
import { mostWithin } from './simulated-world.ts';

const LE = limitsOfCa('https://acme-v02.api.letsencrypt.org/directory');

describe('no window of the CA ever holds more than it allows', () => {
  const tight: CaLimits = {
    ...LE,
    certificatesPerSet: { count: 2, per: 7 * DAY },
    certificatesPerDomain: { count: 4, per: 7 * DAY },
    ordersPerAccount: { count: 5, per: 3 * HOUR },
    failedAuthorizationsPerName: { count: 2, per: HOUR },
  };
  const step = fc.record({
    after: fc.oneof(fc.integer({ min: 0, max: 20 * MINUTE }), fc.integer({ min: 0, max: 4 * DAY })),
    set: fc.integer({ min: 0, max: 3 }),
    account: fc.integer({ min: 0, max: 1 }),
    end: fc.constantFrom('issued', 'failed', 'killed before', 'killed after'),
    took: fc.integer({ min: 0, max: 30 * MINUTE }),
  });

  it.each([
    ['published figures', LE],
    ['tight figures', tight],
  ])('over any history (%s)', (_, limits) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        let ledger = emptyLedger();
        let now = T0;
        const orders: { at: number; account: string }[] = [];
        const issued: { at: number; set: string }[] = [];
        const failed: { at: number; account: string; name: string }[] = [];
        for (const { after, set: number, account: which, end, took } of steps) {
          now += after;
          const name = `s${number}.example.com`;
          const of = key({ set: `s${number}`, names: [name], account: `account ${which}` });
          if (!mayOrder(ledger, of, now, limits).allowed) continue;
          const { ledger: ordered, id } = recordOrder(ledger, of, now, middle);
          ledger = ordered;
          orders.push({ at: now, account: of.account });
          now += took;
          if (end === 'issued' || end === 'killed after') issued.push({ at: now, set: of.set });
          if (end === 'failed') {
            failed.push({ at: now, account: of.account, name });
            ledger = recordFailure(ledger, { ...of, order: id, problem: problem('dns') }, now, middle);
          }
          if (end === 'issued') ledger = recordSuccess(ledger, { ...of, order: id }, now);
        }
        const timesOf = <T extends { at: number }>(list: readonly T[], by: (one: T) => string) =>
          [...Map.groupBy(list, by).values()].map((group) => group.map(({ at }) => at));
        const within = (groups: readonly number[][], { count, per }: { count: number; per: number }) => {
          for (const times of groups) expect(mostWithin(times, per)).toBeLessThanOrEqual(count);
        };
        within(
          timesOf(issued, ({ set }) => set),
          limits.certificatesPerSet,
        );
        within(
          timesOf(issued, () => 'example.com'),
          limits.certificatesPerDomain,
        );
        within(
          timesOf(orders, ({ account }) => account),
          limits.ordersPerAccount,
        );
        within(
          timesOf(failed, ({ account, name }) => account + name),
          limits.failedAuthorizationsPerName,
        );
      }),
      { numRuns: 300 },
    );
  });

  it('in two years of a container that is killed in the middle of every order, and of one that forgets its certificate', () => {
    for (const forgets of [false, true]) {
      const random = dice(forgets ? 1 : 2);
      let ledger = emptyLedger();
      const orders: number[] = [];
      for (let now = T0; now < T0 + 730 * DAY; now += 10_000 + random() * 40 * MINUTE) {
        const at = Math.floor(now);
        if (mayAttempt(ledger, key(), at, LE).do === 'wait') continue;
        const { ledger: ordered, id } = recordOrder(ledger, key(), at, random);
        ledger = forgets ? recordSuccess(ordered, { ...key(), order: id }, at) : ordered;
        orders.push(at);
      }
      expect(mostWithin(orders, 7 * DAY)).toBeLessThanOrEqual(5);
      // It does not give up either: whatever is wrong may be mended at any time.
      expect(orders.length).toBeGreaterThan(400);
    }
  });
});
