import { realSystem, type System } from '../../src/base/system.ts';

/** A machine on which durations go by so many times as fast as they really do; the time of day stays. */
export function createFastSystem(times: number): System {
  return {
    ...realSystem,
    monotonic: () => realSystem.monotonic() * times,
    setTimer: (ms, fn) => realSystem.setTimer(ms / times, fn),
  };
}
