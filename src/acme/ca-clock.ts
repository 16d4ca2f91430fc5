import type { Log } from '../base/log.ts';
import type { System } from '../base/system.ts';
import { describeSpan } from './describe-time.ts';

/** Milliseconds that a clock may be off: less is a slow answer or an answer from a cache, and changes no decision. */
export const CLOCK_TOLERANCE = 5 * 60_000;
/** Milliseconds by which the wall clock goes on more or less than the monotonic one when it was set, or we slept. */
const SET = 60_000;

/**
 * The time as the CAs have it. Their clock says when certificates begin and end, and everybody who looks at a
 * certificate has it right; where this machine has not, dates are reckoned by theirs.
 */
export interface CaClock {
  /** The machine's, with `now()` put right as far as is known. */
  readonly system: System;
  /** A CA just said what time it is, in milliseconds since the epoch. */
  heard(time: number): void;
  /**
   * Milliseconds that the machine's clock is ahead of the CA's, negative where it is behind. Undefined while no CA said
   * anything, and from the moment on that the clock was set, or the machine slept, until one does.
   */
  ahead(): number | undefined;
  /** How often what is known of the clock has changed by a minute or more. */
  changes(): number;
}

interface Heard {
  readonly ahead: number;
  /** When that was, by both clocks of ours. */
  readonly now: number;
  readonly monotonic: number;
}

/** Says in the log when the clock is found wrong, by how much, and when it is right again. */
export function createCaClock(deps: { readonly system: System; readonly log: Log }): CaClock {
  const { system, log } = deps;
  let last: Heard | undefined;
  let changes = 0;
  let warned: number | undefined;

  function current(): Heard | undefined {
    if (last === undefined) return undefined;
    const drift = system.now() - last.now - (system.monotonic() - last.monotonic);
    // For good: should it be set back, what was decided meanwhile was decided by a clock that nobody vouched for.
    if (Math.abs(drift) > SET) last = undefined;
    return last;
  }

  function now(): number {
    const ahead = current()?.ahead ?? 0;
    return Math.abs(ahead) < CLOCK_TOLERANCE ? system.now() : Math.round(system.now() - ahead);
  }

  function announce(ahead: number): void {
    if (Math.abs(ahead) < CLOCK_TOLERANCE) {
      if (warned !== undefined) log.info({}, "This machine's clock agrees with the CA's again.");
      warned = undefined;
    } else if (warned === undefined || Math.abs(ahead - warned) >= CLOCK_TOLERANCE) {
      warned = ahead;
      const { what, fix } = describeClock(ahead);
      log.warn({ clock_ahead_seconds: Math.round(ahead / 1000) }, `${what} ${fix}`);
    }
  }

  return {
    system: { ...system, now },
    heard(time) {
      const heard = { ahead: system.now() - time, now: system.now(), monotonic: system.monotonic() };
      const before = current();
      if (before === undefined || Math.abs(before.ahead - heard.ahead) > SET) changes++;
      last = heard;
      announce(heard.ahead);
    },
    ahead: () => current()?.ahead,
    changes: () => changes,
  };
}

/** What to say of a clock that is wrong by so many milliseconds, and what to do. */
export function describeClock(ahead: number): { readonly what: string; readonly fix: string } {
  const direction = ahead > 0 ? 'ahead of' : 'behind';
  const what = `This machine's clock is ${describeSpan(ahead)} ${direction} the CA's; certificates are renewed by the CA's until it is right.`;
  return { what, fix: 'Set the clock (NTP).' };
}
