import { realSystem, type System, type Timer } from '../../src/base/system.ts';

/** The real machine, whose clock a test can put forward. */
export interface LeapingSystem extends System {
  /** Puts the clock forward; longer timers that fall due fire in order, each at its time. */
  leap(ms: number): void;
  /** Sets the wall clock alone, as an operator or a time server does: no timer notices. */
  setClock(by: number): void;
}

/** Timers of at least `from` milliseconds fire when the clock is put forward, and only then; shorter ones are real. */
export function createLeapingSystem(from: number): LeapingSystem {
  const due = new Map<Timer, { readonly at: number; readonly fn: () => void }>();
  let ahead = 0;
  let set = 0;
  const monotonic = (): number => realSystem.monotonic() + ahead;
  return {
    ...realSystem,
    now: () => Math.floor(realSystem.now() + ahead + set),
    monotonic,
    setTimer(ms, fn) {
      if (ms < from) return realSystem.setTimer(ms, fn);
      const timer: Timer = { cancel: () => void due.delete(timer) };
      due.set(timer, { at: monotonic() + ms, fn });
      return timer;
    },
    leap(ms) {
      const end = monotonic() + ms;
      for (;;) {
        const [first] = [...due].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at);
        if (first === undefined) break;
        due.delete(first[0]);
        ahead += Math.max(0, first[1].at - monotonic());
        first[1].fn();
      }
      ahead += Math.max(0, end - monotonic());
    },
    setClock(by) {
      set += by;
    },
  };
}
