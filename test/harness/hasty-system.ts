import { realSystem, type System } from '../../src/base/system.ts';

/** A machine on which long waits are short, and whose clock can be set. */
export interface HastySystem extends System {
  /** Sets the clock forth, or back, by so many milliseconds; what measures durations does not notice. */
  step(ms: number): void;
  /** Lets so many milliseconds go by, for everybody, at once. */
  pass(ms: number): void;
  /** The time as everybody else has it: what the clock would say had nobody set it. */
  rightTime(): number;
}

/**
 * Timers of twenty seconds and more end after a thirtieth of that, and it is then as late as they were set for. Shorter
 * ones (locks that are renewed, polls of a CA) take their time, so that a busy machine can keep up with them.
 */
export function createHastySystem(): HastySystem {
  let skipped = 0;
  let ahead = 0;
  const rightTime = (): number => realSystem.now() + skipped;
  return {
    ...realSystem,
    now: () => rightTime() + ahead,
    setTimer(ms, fn) {
      if (ms < 20_000) return realSystem.setTimer(ms, fn);
      const due = rightTime() + ms;
      return realSystem.setTimer(ms / 30, () => {
        skipped += Math.max(0, due - rightTime());
        fn();
      });
    },
    rightTime,
    pass(ms) {
      skipped += ms;
    },
    step(ms) {
      ahead += ms;
    },
  };
}
