import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assessRisk, judgeRisk, NO_RISK, nextRiskChange, type RiskState } from '../../src/acme/warn.ts';
import { DAY, HOUR, T0 } from './ledger-facts.ts';

const validity = { notBefore: T0, notAfter: T0 + 60 * DAY };
const facts = { certificate: 'example.com', validity };
const at = (days: number) => T0 + days * DAY;

describe('a certificate at risk', () => {
  it.each([
    [0, 'ok'],
    [50, 'ok'],
    [50.01, 'at-risk'],
    [57, 'at-risk'],
    [57.01, 'emergency'],
    [59.99, 'emergency'],
    [60, 'expired'],
    [600, 'expired'],
  ])('after %d of 60 days is %s', (days, level) => {
    expect(judgeRisk(validity, at(days))).toBe(level);
  });

  it('is announced once for each level, and once when it is over', () => {
    const said: string[] = [];
    let state: RiskState = NO_RISK;
    const look = (now: number, of = validity) => {
      const step = assessRisk(state, { ...facts, validity: of }, now);
      state = step.state;
      said.push(...step.events.map(({ event, level }) => `${event} ${level}`));
    };
    for (let hour = 0; hour <= 61 * 24; hour++) look(T0 + hour * HOUR);
    const renewed = { notBefore: at(61), notAfter: at(121) };
    look(at(61), renewed);
    look(at(61) + HOUR, renewed);
    expect(said).toEqual(['began at-risk', 'began emergency', 'began expired', 'over expired']);
    expect(state).toEqual(NO_RISK);
  });

  it('is not announced again when the clock steps back and forth', () => {
    const first = assessRisk(NO_RISK, facts, at(58));
    const back = assessRisk(first.state, facts, at(52));
    const forth = assessRisk(back.state, facts, at(58));
    expect([first, back, forth].map(({ events }) => events.length)).toEqual([1, 1, 0]);
    expect(assessRisk(forth.state, facts, at(52)).events).toEqual([]);
  });

  it.each([
    [
      51,
      /^The certificate for example\.com expires in 9 days \(2026-07-31 00:00 UTC\) and is not renewed\. Next attempt 2026-08-01 12:00 UTC: it is so\.$/,
    ],
    [61, /^The certificate for example\.com expired on 2026-07-31 00:00 UTC; it is still served/],
  ])('on day %d is told with the next attempt', (day, message) => {
    const next = { at: at(61.5), why: 'it is so.' };
    expect(assessRisk(NO_RISK, { ...facts, next }, at(day)).events[0]!.message).toMatch(message);
  });

  it.each([
    [{ at: undefined, why: 'Put a new one there.' }, /is not renewed\. Put a new one there\.$/],
    [{ at: at(50), why: 'It was time.' }, /is not renewed\. It is being tried now\.$/],
    [undefined, /is not renewed\.$/],
  ])('is told with %j ahead', (next, message) => {
    expect(assessRisk(NO_RISK, { ...facts, next }, at(51)).events[0]!.message).toMatch(message);
  });

  it('names the next instant at which it gets worse', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 60_000, max: 400 * DAY }),
        fc.integer({ min: -200, max: 1_500 }),
        (lifetime, part) => {
          const of = { notBefore: T0, notAfter: T0 + lifetime };
          const now = T0 + Math.round((part / 1_000) * lifetime);
          const next = nextRiskChange(of, now);
          if (next === undefined) {
            expect(judgeRisk(of, now)).toBe('expired');
            return;
          }
          expect(next).toBeGreaterThan(now);
          expect(judgeRisk(of, next - 1)).toBe(judgeRisk(of, now));
          expect(judgeRisk(of, next)).not.toBe(judgeRisk(of, now));
        },
      ),
    );
  });
});
