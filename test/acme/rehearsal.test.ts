import { describe, expect, it } from 'vitest';
import type { Tries } from '../../src/acme/ledger.ts';
import { decideRehearsal } from '../../src/acme/rehearsal.ts';
import { HOUR, MINUTE, T0 } from './ledger-facts.ts';

const tries = (more: Partial<Tries> = {}): Tries => ({
  ...{ set: 's', ca: 'ca', failures: 0, lastAt: 0, caFailures: 0, ourFailures: 0, unknown: 0 },
  ...more,
});
const failing = (type?: string, detail = '') =>
  tries({ failures: 2, lastAt: T0, ...(type === undefined ? {} : { problem: { type, detail, status: 400 } }) });

describe('a rehearsal on staging', () => {
  it.each([
    ['not while nothing failed', tries(), tries(), 0, false, /Nothing failed/],
    ['after a failed validation', failing('unauthorized'), tries(), MINUTE, true, /last 2 attempts failed/],
    ['after an attempt whose end is not known', failing(), tries(), MINUTE, true, /rehearsal/],
    ['after a CAA problem', failing('caa'), tries(), MINUTE, true, /rehearsal/],
    ['not where the CA has no staging', failing('dns'), undefined, MINUTE, false, /no staging/],
    ["not for the CA's own trouble", failing('serverInternal'), tries(), MINUTE, false, /the CA's own/],
    ['not for a limit', failing('rateLimited'), tries(), MINUTE, false, /limits/],
    ['not for a pause', failing('rateLimited', 'visit /unpause'), tries(), MINUTE, false, /limits/],
    ['not after one that went well since', failing('dns'), tries({ succeededAt: T0 + 1 }), MINUTE, false, /went well/],
    [
      'again after one that went well before the failure',
      failing('dns'),
      tries({ succeededAt: T0 - 1 }),
      MINUTE,
      true,
      /rehearsal/,
    ],
    [
      'not when staging itself is out of order',
      failing('dns'),
      tries({ failures: 3, caFailures: 3 }),
      MINUTE,
      false,
      /Staging itself/,
    ],
    ['again after one that failed', failing('dns'), tries({ failures: 9, lastAt: T0 }), 11 * HOUR, true, /rehearsal/],
    [
      'not any more after 12 hours',
      failing('dns'),
      tries({ failures: 9, lastAt: T0 }),
      12 * HOUR,
      false,
      /fault of staging/,
    ],
  ])('%s', (_, production, staging, later, rehearse, why) => {
    const decision = decideRehearsal({ production, staging }, T0 + later);
    expect(decision.rehearse).toBe(rehearse);
    expect(decision.why).toMatch(why);
    expect(decision.productionAt).toBe(rehearse ? T0 + 12 * HOUR : undefined);
  });
});
