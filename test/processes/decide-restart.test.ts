import { expect, it } from 'vitest';
import { decideRestart } from '../../src/processes/decide-restart.ts';

it.each([
  // lived, failures before, wait, failures after
  [0, 0, 0, 1],
  [3_600_000, 0, 0, 1],
  [10, 1, 1_000, 2],
  [10, 2, 2_000, 3],
  [10, 3, 4_000, 4],
  [10, 6, 32_000, 7],
  [10, 7, 60_000, 8],
  [10, 500, 60_000, 501],
  [59_999, 7, 60_000, 8],
  [60_000, 7, 0, 1],
])(
  'a process that lived for %i ms, with %i short-lived ones before it, is replaced after %i ms',
  (lived, failures, wait, after) => {
    const decision = decideRestart({ lived, failures });
    expect(decision).toMatchObject({ wait, failures: after });
    expect(decision.why).toMatch(wait === 0 ? /now$/ : new RegExp(` in ${wait / 1000} s,`));
  },
);
