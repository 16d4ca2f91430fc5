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
  const waiting = new Set<() => void>();
  return {
    get count() {
      return count;
    },
    enter: () => {
      count++;
    },
    leave: () => {
      count--;
      if (count > 0) return;
      for (const resume of waiting) resume();
      waiting.clear();
    },
    empty(most, system) {
      if (count === 0) return Promise.resolve();
      return new Promise((resolve) => {
        const resume = (): void => {
          timer.cancel();
          waiting.delete(resume);
          resolve();
        };
        const timer = system.setTimer(most, resume);
        waiting.add(resume);
      });
    },
  };
}
