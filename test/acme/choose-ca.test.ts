import { describe, expect, it } from 'vitest';
import { type CaCandidate, chooseCa } from '../../src/acme/choose-ca.ts';
import type { Tries } from '../../src/acme/ledger.ts';
import { DAY, HOUR, MINUTE, T0 } from './ledger-facts.ts';

const candidate = (ca: string, more: Partial<Tries> = {}, notBefore = 0): CaCandidate => ({
  ...{ ca, notBefore },
  tries: { set: 's', ca, failures: 0, lastAt: T0 - MINUTE, caFailures: 0, ourFailures: 0, unknown: 0, ...more },
});
const fresh = { notBefore: T0 - DAY, notAfter: T0 + 89 * DAY };
const old = { notBefore: T0 - 80 * DAY, notAfter: T0 + 10 * DAY };
const caFails = (caFailures: number, since = HOUR) => ({ failures: caFailures, caFailures, caSince: T0 - since });

describe('which CA is asked', () => {
  it.each([
    ['the only one, however it fails', [candidate('a', caFails(50))], fresh, 'a', /only CA/],
    ['the first', [candidate('a'), candidate('b')], fresh, 'a', /first CA/],
    ['the first after four failures of its own', [candidate('a', caFails(4)), candidate('b')], fresh, 'a', /first CA/],
    [
      'the second after five',
      [candidate('a', caFails(5)), candidate('b')],
      fresh,
      'b',
      /a failed 5 times in a row, so another/,
    ],
    [
      'the second after six hours',
      [candidate('a', caFails(2, 6 * HOUR)), candidate('b')],
      fresh,
      'b',
      /failing for 6 hours/,
    ],
    [
      'the second while the first takes no orders before it is too late for the certificate',
      [candidate('a', caFails(1), T0 + 10 * HOUR), candidate('b')],
      { notBefore: T0 - 153 * HOUR, notAfter: T0 + 7 * HOUR },
      'b',
      /a takes no orders before 2026-06-01 10:00 UTC, which is too late/,
    ],
    [
      'the first after a wait that leaves time enough',
      [candidate('a', caFails(1), T0 + HOUR), candidate('b')],
      { notBefore: T0 - 153 * HOUR, notAfter: T0 + 7 * HOUR },
      'a',
      /first CA/,
    ],
    ['the first when validation fails', [candidate('a', { failures: 30 }), candidate('b')], fresh, 'a', /first CA/],
    [
      'the second when validation fails and expiry is near',
      [candidate('a', { failures: 2 }), candidate('b')],
      old,
      'b',
      /only 10 days/,
    ],
    [
      'the second for want of any certificate',
      [candidate('a', { failures: 5 }), candidate('b')],
      undefined,
      'b',
      /no certificate yet/,
    ],
    [
      'the first while there is hope for a certificate',
      [candidate('a', { failures: 4 }), candidate('b')],
      undefined,
      'a',
      /first CA/,
    ],
    [
      'the second while the first takes no orders for days',
      [candidate('a', {}, T0 + DAY), candidate('b')],
      fresh,
      'b',
      /takes no orders before 2026-06-02/,
    ],
    ['the first when it takes orders soon', [candidate('a', {}, T0 + HOUR), candidate('b')], fresh, 'a', /first CA/],
    [
      'the first again after six hours',
      [candidate('a', { ...caFails(9, DAY), lastAt: T0 - 6 * HOUR }), candidate('b')],
      fresh,
      'a',
      /gets a chance again/,
    ],
    [
      'not the first again while it takes no orders',
      [candidate('a', { ...caFails(9, DAY), lastAt: T0 - 6 * HOUR }, T0 + DAY), candidate('b')],
      fresh,
      'b',
      /another CA/,
    ],
    [
      'the third when two fail',
      [candidate('a', caFails(9)), candidate('b', caFails(9)), candidate('c')],
      fresh,
      'c',
      /another CA/,
    ],
    [
      'the one tried longest ago when all fail',
      [candidate('a', caFails(9)), candidate('b', { ...caFails(9), lastAt: T0 - HOUR })],
      fresh,
      'b',
      /All CAs fail/,
    ],
    [
      'the one that can be asked first when all fail',
      [candidate('a', caFails(9), T0 + MINUTE), candidate('b', { ...caFails(9), lastAt: T0 - HOUR }, T0 + HOUR)],
      fresh,
      'a',
      /All CAs fail/,
    ],
  ])('%s', (_, candidates, certificate, ca, why) => {
    const choice = chooseCa(candidates as [CaCandidate, ...CaCandidate[]], certificate, T0);
    expect(choice.ca).toBe(ca);
    expect(choice.why).toMatch(why);
    expect(choice.why).toMatch(/\.$/);
  });
});
