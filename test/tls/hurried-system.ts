import { realSystem, type System } from '../../src/base/system.ts';

const TIMES = 20;

/** The real machine in a hurry: timers fire after a twentieth of their time, and durations are twenty times longer. */
export const hurriedSystem: System = {
  ...realSystem,
  monotonic: () => realSystem.monotonic() * TIMES,
  setTimer: (ms, fn) => realSystem.setTimer(ms / TIMES, fn),
};

/** Waits for so many milliseconds of the hurried system. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms / TIMES));
}
