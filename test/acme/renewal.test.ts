import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideRenewal, nextAriCheck } from '../../src/acme/renewal.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const T0 = Date.parse('2026-06-01T00:00:00Z');
const certificate = (days: number) => ({ notBefore: T0, notAfter: T0 + days * DAY });
const half = () => 0.5;
const ari = (from: number, to: number) => ({ start: T0 + from * DAY, end: T0 + to * DAY });

describe('when to renew', () => {
  it.each([
    ['a third of 90 days', 90, 60],
    ['a third of 45 days', 45, 30],
    ['half of six days', 6, 3],
    ['half of an hour', 1 / 24, 1 / 48],
    ['a third of ten days', 10, 10 - 10 / 3],
  ])('without advice: with %s left', (_, days, at) => {
    const before = decideRenewal({ certificate: certificate(days) }, T0, half);
    expect(before).toMatchObject({ renew: false, at: Math.round(T0 + at * DAY), emergency: false });
    const then = decideRenewal({ certificate: certificate(days) }, T0 + at * DAY + 1, half);
    expect(then).toMatchObject({ renew: true, emergency: false });
    expect(then.why).toMatch(/It is time to renew/);
  });

  it('picks an instant in the window, uniformly, and says which, to be kept', () => {
    const facts = { certificate: certificate(90), ari: ari(60, 62) };
    const ats = [0, 0.25, 0.999].map((dice) => decideRenewal(facts, T0, () => dice).at);
    expect(ats).toEqual([T0 + 60 * DAY, T0 + 60.5 * DAY, T0 + 60 * DAY + Math.floor(0.999 * 2 * DAY)]);
    expect(decideRenewal(facts, T0, half)).toMatchObject({
      renew: false,
      need: 'due',
      needGrowsAt: T0 + 85.5 * DAY,
      chosen: T0 + 61 * DAY,
    });
  });

  it('keeps the instant that was picked before, whatever the dice say now', () => {
    const facts = { certificate: certificate(90), ari: { ...ari(60, 62), chosen: T0 + 60.1 * DAY } };
    expect(decideRenewal(facts, T0, half).at).toBe(T0 + 60.1 * DAY);
  });

  it('picks anew when the CA has moved the window away from the instant', () => {
    const facts = { certificate: certificate(90), ari: { ...ari(30, 32), chosen: T0 + 60.1 * DAY } };
    expect(decideRenewal(facts, T0, half).chosen).toBe(T0 + 31 * DAY);
  });

  it('renews now when the window is over: the CA may be about to revoke', () => {
    const decision = decideRenewal({ certificate: certificate(90), ari: ari(-2, -1) }, T0 + DAY, half);
    expect(decision).toMatchObject({ renew: true, need: 'advised', needGrowsAt: T0 + 60 * DAY, emergency: false });
    expect(decision.why).toMatch(/the instant picked in it has come/);
  });

  it.each([
    ['ends where it starts', ari(50, 50)],
    ['ends before it starts', ari(50, 40)],
  ])('ignores a window that %s', (_, window) => {
    const decision = decideRenewal({ certificate: certificate(90), ari: window }, T0, half);
    expect(decision).toMatchObject({ renew: false, at: T0 + 60 * DAY });
    expect(decision.why).toMatch(/ends before it begins/);
    expect(decision.chosen).toBeUndefined();
  });

  it('does not wait for a window that begins when it is too late', () => {
    const decision = decideRenewal({ certificate: certificate(90), ari: ari(89, 95) }, T0, half);
    expect(decision.at).toBe(T0 + 85.5 * DAY);
    expect(decision.why).toMatch(/too late to be safe/);
  });

  it('is an emergency below a twentieth of the lifetime, whatever the CA advises', () => {
    const facts = { certificate: certificate(90), ari: { ...ari(88, 89), chosen: T0 + 88.5 * DAY } };
    expect(decideRenewal(facts, T0 + 85.4 * DAY, half).emergency).toBe(false);
    const late = decideRenewal(facts, T0 + 86 * DAY, half);
    expect(late).toMatchObject({ renew: true, need: 'urgent', emergency: true });
    expect(late.why).toBe("Only 4 days are left of the certificate's 90 days.");
  });

  it.each([
    ['expired', certificate(90), T0 + 91 * DAY, /expired on 2026-08-30/],
    ['one that ends before it begins', { notBefore: T0, notAfter: T0 - 1 }, T0 - DAY, /ends before it begins/],
    ['one with dates that are none', { notBefore: Number.NaN, notAfter: Number.NaN }, T0, /ends before it begins/],
  ])('renews a certificate that is %s at once', (_, bad, now, why) => {
    const decision = decideRenewal({ certificate: bad }, now, half);
    expect(decision).toMatchObject({ renew: true, emergency: true });
    expect(decision.why).toMatch(why);
  });

  it('does not take a certificate from the future for old', () => {
    expect(decideRenewal({ certificate: certificate(90) }, T0 - 5 * DAY, half).renew).toBe(false);
  });

  it('always renews before the certificate expires, and renews exactly from the instant it named', () => {
    const window = fc.record({
      start: fc.integer(),
      end: fc.integer(),
      chosen: fc.option(fc.integer(), { nil: undefined }),
    });
    fc.assert(
      fc.property(
        fc.integer({ min: -1e12, max: 1e12 }),
        fc.integer({ min: 60_000, max: 400 * DAY }),
        fc.option(window, { nil: undefined }),
        fc.integer({ min: -100, max: 900 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (notBefore, lifetime, raw, part, dice) => {
          const validity = { notBefore, notAfter: notBefore + lifetime };
          const scaled = (value: number) => notBefore + Math.round((value / 2 ** 31) * 2 * lifetime);
          const { chosen, ...rest } = raw ?? { start: 0, end: 0, chosen: undefined };
          const kept = chosen === undefined ? {} : { chosen: scaled(chosen) };
          const info = raw === undefined ? undefined : { start: scaled(rest.start), end: scaled(rest.end), ...kept };
          const now = notBefore + Math.round((part / 1_000) * lifetime);
          const decision = decideRenewal({ certificate: validity, ari: info }, now, () => dice);
          expect(decision.at).toBeLessThan(validity.notAfter);
          expect(decision.renew).toBe(decision.at <= now);
          expect(decision.why).toMatch(/\.$/);
        },
      ),
    );
  });
});

describe('when to ask the CA for its advice again', () => {
  const failed = (failures: number, temporary = true) => ({ kind: 'failed' as const, temporary, failures });
  it.each([
    ['as the CA asks', { kind: 'answered' as const, retryAfter: 21_600 }, 6 * HOUR],
    ['never within a minute', { kind: 'answered' as const, retryAfter: 0 }, 60_000],
    ['at least once a day', { kind: 'answered' as const, retryAfter: 1e9 }, DAY],
    ['after six hours without a usable Retry-After', { kind: 'answered' as const, retryAfter: undefined }, 6 * HOUR],
    ['after a minute when it is away for a moment', failed(1), 60_000],
    ['after two minutes the second time', failed(2), 120_000],
    ['after half an hour the sixth time', failed(6), 32 * 60_000],
    ['after six hours when it stays away', failed(7), 6 * HOUR],
    ['after six hours when it cannot answer at all', failed(1, false), 6 * HOUR],
    ['as it asks even when it fails', { ...failed(1), retryAfter: 600 }, 600_000],
  ])('%s', (_, answer, wait) => {
    const next = nextAriCheck(answer, T0);
    expect(next.at - T0).toBe(wait);
    expect(next.why).toMatch(/\.$/);
  });
});
