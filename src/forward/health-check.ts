import { callApart } from '../base/call-apart.ts';
import type { System } from '../base/system.ts';

/** One that says nothing for this long is in doubt, and whoever is in doubt is here. Milliseconds. */
const PATIENCE = 2_000;
/** How long it is believed to be here after it has been asked. */
const BELIEVED = 1_000;

/** Finds out whether something is here whose answer looks as if it were not. */
export interface HealthCheck {
  /**
   * Calls `settle` once. Many who ask at the same time share one question. `fresh`: what was said before now does not count,
   * because something has happened just now.
   */
  check(settle: (here: boolean) => void, fresh?: boolean): void;
}

/** `ask` never rejects. */
export function createHealthCheck(deps: { readonly system: System; ask(): Promise<boolean> }): HealthCheck {
  const { system } = deps;
  let waiting: ((here: boolean) => void)[] = [];
  /** For the question after the one that is open. */
  let next: ((here: boolean) => void)[] = [];
  let isOpen = false;
  let hereAt = Number.NEGATIVE_INFINITY;

  function ask(): void {
    isOpen = true;
    let settled = false;
    const finish = (here: boolean): void => {
      if (settled) return;
      settled = true;
      isOpen = false;
      limit.cancel();
      if (here) hereAt = system.monotonic();
      const asked = waiting;
      waiting = next;
      next = [];
      if (waiting.length > 0) ask();
      for (const one of asked) callApart(() => one(here));
    };
    const limit = system.setTimer(PATIENCE, () => finish(true));
    void deps.ask().then(finish);
  }

  return {
    check(settle, fresh = false) {
      if (!fresh && system.monotonic() - hereAt < BELIEVED) return settle(true);
      if (isOpen && fresh) return void next.push(settle);
      waiting.push(settle);
      if (!isOpen) ask();
    },
  };
}
