import type { System, Timer } from '../../base/system.ts';

/**
 * One point in time after which something has taken too long, moved thousands of times for each time that a timer is set: a
 * timer that is there already is left to run out, and then to find that there is time left.
 */
export class Deadline {
  readonly #system: System;
  readonly #passed: () => void;
  #at = Number.POSITIVE_INFINITY;
  #timer: Timer | undefined;
  /** When it runs out. */
  #timerAt = Number.POSITIVE_INFINITY;

  /** Calls `passed` each time that a point in time passes. */
  constructor(system: System, passed: () => void) {
    this.#system = system;
    this.#passed = passed;
  }

  /** In `ms` milliseconds from now, instead of what was set before. */
  set(ms: number): void {
    this.#at = this.#system.monotonic() + ms;
    if (this.#at < this.#timerAt) this.#arm(ms);
  }

  /** There is none for now. */
  clear(): void {
    this.#at = Number.POSITIVE_INFINITY;
  }

  /** For good. Idempotent. */
  close(): void {
    this.clear();
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
  }

  #arm(ms: number): void {
    this.#timer?.cancel();
    this.#timerAt = this.#at;
    this.#timer = this.#system.setTimer(Math.ceil(ms), () => {
      this.#timer = undefined;
      this.#timerAt = Number.POSITIVE_INFINITY;
      if (this.#at === Number.POSITIVE_INFINITY) return;
      const left = this.#at - this.#system.monotonic();
      if (left > 0) return this.#arm(left);
      this.clear();
      this.#passed();
    });
  }
}
