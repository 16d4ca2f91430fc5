import type { System, Timer } from '../base/system.ts';

/** A body has to move at least this many bytes in each period. */
const LEAST_BYTES_PER_PERIOD = 4 * 1024;

/** Watches one direction of one body. */
export interface StallGuard {
  moved(bytes: number): void;
  /** While paused, standing still is not the watched side's fault. */
  pause(): void;
  resume(): void;
  stop(): void;
}

/**
 * Calls `stalled` when a body moves less than 4 KiB in a period of `period` milliseconds: slow enough for any
 * honest client, and a trickle of single bytes cannot hold a connection for ever. No limit on the total time.
 */
export function createStallGuard(period: number, stalled: () => void, system: System): StallGuard {
  let bytes = 0;
  let paused = false;
  let timer: Timer = system.setTimer(period, check);

  function check(): void {
    if (!paused && bytes < LEAST_BYTES_PER_PERIOD) return stalled();
    bytes = 0;
    timer = system.setTimer(period, check);
  }

  return {
    moved(count) {
      bytes += count;
    },
    pause() {
      paused = true;
    },
    resume() {
      if (!paused) return;
      paused = false;
      // A full period counts anew; the time before belonged to the other side.
      bytes = LEAST_BYTES_PER_PERIOD;
    },
    stop: () => timer.cancel(),
  };
}
