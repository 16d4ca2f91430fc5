import { describe, expect, it } from 'vitest';
import type { Tries } from '../../src/acme/ledger.ts';
import type { ProblemKind } from '../../src/acme/problem-kind.ts';
import { decideRehearsal } from '../../src/acme/rehearsal.ts';
import { HOUR, MINUTE, T0 } from './ledger-facts.ts';

const tries = (more: Partial<Tries> = {}): Tries => ({
  ...{ set: 's', ca: 'ca', failures: 0, lastAt: 0, caFailures: 0, ourFailures: 0, unknown: 0 },
  ...more,
});
const failing = (kind?: ProblemKind) =>
  tries({
    failures: 2,
    lastAt: T0,
    ...(kind === undefined ? {} : { problem: { kind, type: 'x', detail: '', status: 400 } }),
  });

describe('a rehearsal on staging', () => {
  it.each([
    ['not while nothing failed', tries(), tries(), 0, false, /Nothing failed/],
    ['after a failed validation', failing('validation'), tries(), MINUTE, true, /last 2 attempts failed/],
    ['after an attempt whose end is not known', failing(), tries(), MINUTE, true, /rehearsal/],
    ['after a CAA problem', failing('needs-change'), tries(), MINUTE, true, /rehearsal/],
    ['not where the CA has no staging', failing('validation'), undefined, MINUTE, false, /no staging/],
    ["not for the CA's own trouble", failing('ca-trouble'), tries(), MINUTE, false, /the CA's own/],
    ['not for a limit', failing('rate-limited'), tries(), MINUTE, false, /limits/],
    ['not for a pause', failing('paused'), tries(), MINUTE, false, /limits/],
    [
      'not after one that went well since',
      failing('validation'),
      tries({ succeededAt: T0 + 1 }),
      MINUTE,
      false,
      /went well/,
    ],
    [
      'again after one that went well before the failure',
      failing('validation'),
      tries({ succeededAt: T0 - 1 }),
      MINUTE,
      true,
      /rehearsal/,
    ],
    [
      'not when staging itself is out of order',
      failing('validation'),
      tries({ failures: 3, caFailures: 3, lastAt: T0 }),
      MINUTE,
      false,
      /Staging itself/,
    ],
    [
      'when staging was out of order, hours ago',
      failing('validation'),
      tries({ failures: 3, caFailures: 3, lastAt: T0 }),
      7 * HOUR,
      true,
      /rehearsal/,
    ],
    [
      'again after one that failed',
      failing('validation'),
      tries({ failures: 9, lastAt: T0 }),
      11 * HOUR,
      true,
      /rehearsal/,
    ],
    [
      'not any more after 12 hours',
      failing('validation'),
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

  it.each([
    ['a day', 24 * HOUR, 6 * HOUR],
    ['eight hours', 8 * HOUR, 2 * HOUR],
    ['a minute', MINUTE, 30 * MINUTE],
  ])('does not keep the real CA from being tried while there is time, with %s left', (_, left, after) => {
    const facts = {
      production: failing('validation'),
      staging: tries({ failures: 9, lastAt: T0 }),
      expires: T0 + left,
    };
    expect(decideRehearsal(facts, T0 + MINUTE).productionAt).toBe(T0 + after);
    expect(decideRehearsal(facts, T0 + after)).toMatchObject({ rehearse: false });
  });
});
