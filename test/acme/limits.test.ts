import { describe, expect, it } from 'vitest';
import { limitsOfCa } from '../../src/acme/ca-limits.ts';
import {
  emptyLedger,
  LEDGER_BOUNDS,
  LEDGER_REMEMBERS,
  type Ledger,
  type LedgerOrder,
  parseLedger,
} from '../../src/acme/ledger.ts';
import { mayOrder } from '../../src/acme/limits.ts';
import { mayAttempt } from '../../src/acme/may-attempt.ts';
import { recordFailure, recordPaused, recordRateLimit } from '../../src/acme/record-order.ts';
import { DAY, HOUR, key, MINUTE, middle, problem, T0 } from './ledger-facts.ts';

const LE = limitsOfCa('https://acme-v02.api.letsencrypt.org/directory');

let nextId = 1;
const entry = (
  at: number,
  outcome: LedgerOrder['outcome'] = 'issued',
  more: Partial<LedgerOrder> = {},
): LedgerOrder => ({
  ...{ ...key(), id: nextId++, at, outcome, failedNames: [] },
  ...(outcome === 'unresolved' ? {} : { endedAt: at }),
  ...more,
});
const having = (...orders: LedgerOrder[]): Ledger => ({ ...emptyLedger(), orders });
const many = (count: number, make: (index: number) => LedgerOrder) => Array.from({ length: count }, (_, n) => make(n));
const other = (n: number, more: Partial<LedgerOrder> = {}) => ({ set: `s${n}`, names: [`s${n}.example`], ...more });

describe('may this be ordered', () => {
  const cases: readonly [string, Ledger, number, RegExp | undefined, number | undefined][] = [
    ['an empty ledger', emptyLedger(), T0, undefined, undefined],
    ['four certificates of the set', having(...many(4, () => entry(T0 - HOUR))), T0, undefined, undefined],
    [
      'five certificates of the set within a week',
      having(...many(5, (n) => entry(T0 - 6 * DAY + n * HOUR))),
      T0,
      /Let's Encrypt allows 5 certificates for exactly these names in 7 days/,
      T0 + DAY,
    ],
    [
      'five of which the first is a week old',
      having(...many(5, (n) => entry(T0 - 7 * DAY + n))),
      T0,
      undefined,
      undefined,
    ],
    [
      'five of which nobody knows whether they succeeded',
      having(...many(5, (n) => entry(T0 - 3 * DAY + n, 'unresolved', { account: 'another' }))),
      T0,
      /5 certificates for exactly these names/,
      T0 + 4 * DAY + HOUR,
    ],
    [
      'five that failed yesterday',
      having(...many(5, () => entry(T0 - DAY, 'failed', { failedNames: ['example.com'] }))),
      T0,
      undefined,
      undefined,
    ],
    ['fifty of another domain', having(...many(50, (n) => entry(T0, 'issued', other(n)))), T0, undefined, undefined],
    [
      'fifty certificates under the domain, from any account',
      having(
        ...many(50, (n) =>
          entry(T0 - DAY, 'issued', { set: `s${n}`, names: [`s${n}.example.com`], account: 'another' }),
        ),
      ),
      T0,
      /50 certificates under example\.com in 7 days/,
      T0 + 6 * DAY,
    ],
    [
      'three hundred orders of the account',
      having(...many(300, (n) => entry(T0 - HOUR, 'failed', { ...other(n), names: [`s${n}.example`] }))),
      T0,
      /300 orders of one account in 3 hours/,
      T0 + 2 * HOUR,
    ],
    [
      'three hundred orders of another account',
      having(...many(300, (n) => entry(T0 - HOUR, 'failed', other(n, { account: 'another' })))),
      T0,
      undefined,
      undefined,
    ],
    [
      'five failed validations of a name within an hour',
      having(
        ...many(5, (n) => entry(T0 - 30 * MINUTE, 'failed', { ...other(n), failedNames: ['matrix.example.com'] })),
      ),
      T0,
      /5 failed validations of matrix\.example\.com in 1 hour/,
      T0 + 30 * MINUTE,
    ],
    [
      'the same at another CA',
      having(...many(5, (n) => entry(T0, 'failed', { ...other(n), ca: 'x', failedNames: ['matrix.example.com'] }))),
      T0,
      undefined,
      undefined,
    ],
    [
      'more failures in a row than are safe',
      { ...emptyLedger(), names: [{ ...key(), name: 'example.com', failures: 1_100, failedAt: T0 - DAY }] },
      T0,
      /example\.com failed 1100 times in a row, and Let's Encrypt pauses a name for good after 1152/,
      T0 - DAY + 7 * DAY,
    ],
  ];
  it.each(cases)('%s', (_, ledger, now, why, nextAllowedAt) => {
    const permission = mayOrder(ledger, key(), now, LE);
    expect(permission.allowed).toBe(why === undefined);
    expect(permission.nextAllowedAt).toBe(nextAllowedAt ?? now);
    expect(permission.why).toMatch(why ?? /^The limits of Let's Encrypt leave room\.$/);
    expect(mayOrder(ledger, key(), permission.nextAllowedAt, LE).allowed).toBe(true);
  });

  it('exempts an order that replaces a certificate, once', () => {
    const busy = many(50, (n) => entry(T0 - 2 * DAY, 'issued', { set: `s${n}`, names: [`s${n}.example.com`] }));
    const ledger = having(...busy);
    const replaces = 'aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE';
    expect(mayOrder(ledger, { ...key(), replaces }, T0, LE)).toMatchObject({
      allowed: true,
      why: expect.stringMatching(/replaces/),
    });
    const replaced = { ...ledger, orders: [...ledger.orders, entry(T0 - 1, 'issued', { replaces })] };
    expect(mayOrder(replaced, { ...key(), replaces }, T0, LE).allowed).toBe(false);
    const failed = { ...ledger, orders: [...ledger.orders, entry(T0 - 1, 'failed', { replaces })] };
    expect(mayOrder(failed, { ...key(), replaces }, T0, LE).allowed).toBe(true);
  });

  it('does not let a CA that always wants a renewal have one every time', () => {
    const ledger = having(...many(2, (n) => entry(T0 - HOUR + n, 'issued', { replaces: `${n}` })));
    const permission = mayOrder(ledger, { ...key(), replaces: 'next' }, T0, LE);
    expect(permission).toMatchObject({ allowed: false, nextAllowedAt: T0 - HOUR + (7 * DAY) / 5 });
    expect(permission.why).toMatch(/2 certificates for exactly these names in 34 hours are enough/);
    const week = having(...many(3, (n) => entry(T0 - 2 * DAY + n, 'issued', { replaces: `${n}` })));
    expect(mayOrder(week, { ...key(), replaces: 'next', need: 'advised' }, T0, LE).why).toMatch(
      /3 certificates .* in 7 days are enough/,
    );
    expect(mayOrder(week, { ...key(), replaces: 'next', need: 'due' }, T0, LE).allowed).toBe(true);
  });

  it('lets an urgent order have what the bucket of the CA has refilled', () => {
    const ledger = having(...many(5, () => entry(T0 - 35 * HOUR)));
    expect(mayOrder(ledger, key(), T0, LE)).toMatchObject({ allowed: false, nextAllowedAt: T0 + 7 * DAY - 35 * HOUR });
    expect(mayOrder(ledger, { ...key(), need: 'urgent' }, T0, LE).allowed).toBe(true);
    const after = { ...ledger, orders: [...ledger.orders, entry(T0)] };
    const next = mayOrder(after, { ...key(), need: 'urgent' }, T0 + 1, LE);
    expect(next.allowed).toBe(false);
    expect(next.nextAllowedAt).toBeGreaterThan(T0 + 32 * HOUR);
    expect(next.nextAllowedAt).toBeLessThan(T0 + 34 * HOUR);
    expect(mayOrder(after, { ...key(), need: 'urgent' }, next.nextAllowedAt, LE).allowed).toBe(true);
  });

  it('counts failed validations also for an order that replaces a certificate', () => {
    const ledger = having(...many(5, () => entry(T0 - MINUTE, 'failed', { failedNames: ['example.com'] })));
    expect(mayOrder(ledger, { ...key(), replaces: 'x' }, T0, LE).why).toMatch(/5 failed validations of example\.com/);
  });

  it.each([
    ['the account', { detail: 'too many new orders' }, key({ set: 'other', names: ['other.example'] }), false],
    ['the account, for another', { detail: 'too many new orders' }, key({ account: 'another' }), true],
    ['the set, for another', { detail: 'this exact set of identifiers' }, key({ set: 'other' }), true],
    ['the domain', { detail: 'already issued for "example.com"' }, key({ set: 'x', names: ['b.example.com'] }), false],
    [
      'the domain, for its namesake',
      { detail: 'already issued for "example.com"' },
      key({ set: 'x', names: ['anexample.com'] }),
      true,
    ],
    ['any CA, for another CA', { detail: 'too many new orders' }, key({ ca: 'another' }), true],
  ])("obeys the CA's date for %s, also where an order is exempt", (_, more, order, allowed) => {
    const ledger = recordRateLimit(emptyLedger(), { ...key(), problem: problem('rateLimited', more) }, T0 + DAY, T0);
    expect(mayOrder(ledger, order, T0, LE).allowed).toBe(allowed);
    expect(mayOrder(ledger, { ...order, replaces: 'x' }, T0, LE).allowed).toBe(allowed);
    expect(mayOrder(ledger, order, T0 + DAY, LE).allowed).toBe(true);
  });

  it('asks for a paused name once a day', () => {
    const ledger = recordPaused(emptyLedger(), key(), 'paused, see https://ca.example/unpause', T0);
    const sharing = key({ set: 'other', names: ['x.example', 'example.com'] });
    expect(mayOrder(ledger, sharing, T0 + DAY - 1, LE)).toMatchObject({ allowed: false, nextAllowedAt: T0 + DAY });
    expect(mayOrder(ledger, sharing, T0 + DAY - 1, LE).why).toContain('https://ca.example/unpause');
    expect(mayOrder(ledger, sharing, T0 + DAY, LE).allowed).toBe(true);
  });

  it('orders nothing for an hour after the ledger was lost, and then no more than refills', () => {
    const { ledger } = parseLedger(Buffer.from('{'), T0);
    const first = mayOrder(ledger, key(), T0 + MINUTE, LE);
    expect(first).toMatchObject({ allowed: false, nextAllowedAt: T0 + HOUR });
    expect(first.why).toMatch(/could not be read \(it is no JSON\), so nothing is ordered in the first hour/);
    expect(mayOrder(ledger, key(), T0 + HOUR, LE).allowed).toBe(true);
    const after = { ...ledger, orders: [entry(T0 + HOUR)] };
    const second = mayOrder(after, key(), T0 + 2 * HOUR, LE);
    expect(second.nextAllowedAt).toBe(T0 + HOUR + (7 * DAY) / 5);
    expect(second.why).toMatch(/5 certificates for exactly these names in 7 days, and fewer for now/);
    expect(mayOrder(after, key(), T0 + 7 * DAY, LE).allowed).toBe(true);
  });

  it('does not order what the ledger could no longer count', () => {
    const ledger = having(...many(LEDGER_BOUNDS.orders, (n) => entry(T0 + n, 'issued', other(n))));
    expect(mayOrder(ledger, key(), T0 + DAY, LE)).toMatchObject({
      allowed: false,
      nextAllowedAt: T0 + LEDGER_REMEMBERS,
    });
  });

  it('counts what was written while the clock was ahead', () => {
    const ledger = having(...many(5, () => entry(T0 + 30 * DAY)));
    expect(mayOrder(ledger, key(), T0, LE).allowed).toBe(false);
  });
});

describe('may this be attempted now', () => {
  it.each([
    ['waits for the curve', (ledger: Ledger) => ledger, T0 + 59_000, 'wait', T0 + MINUTE],
    ['goes when both are over', (ledger: Ledger) => ledger, T0 + MINUTE, 'order', T0 + MINUTE],
    [
      'waits for the limit when that is longer',
      (ledger: Ledger) => recordPaused(ledger, key(), 'paused', T0),
      T0 + HOUR,
      'wait',
      T0 + DAY,
    ],
  ] as const)('%s', (_, change, now, what, at) => {
    const failed = recordFailure(emptyLedger(), { ...key(), order: undefined, problem: problem('dns') }, T0, middle);
    expect(mayAttempt(change(failed), key(), now, LE)).toMatchObject({
      do: what,
      at,
      why: expect.stringMatching(/\.$/),
    });
  });
});
