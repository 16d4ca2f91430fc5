import type { System } from '../base/system.ts';

/** Counts what is under way, and says when nothing is. */
export interface InFlight {
  readonly count: number;
  readonly enter: () => void;
  readonly leave: () => void;
  /** Resolves when nothing is under way any more, or after `most` milliseconds. */
  empty(most: number, system: System): Promise<void>;
}

export function createInFlight(): InFlight {
  let count = 0;
  let onEmpty: (() => void) | undefined;
  return {
    get count() {
      return count;
    },
    enter: () => {
      count++;
    },
    leave: () => {
      count--;
      if (count === 0) onEmpty?.();
    },
    empty(most, system) {
      if (count === 0) return Promise.resolve();
      return new Promise((resolve) => {
        const timer = system.setTimer(most, resolve);
        onEmpty = () => {
          timer.cancel();
          resolve();
        };
      });
    },
  };
}
