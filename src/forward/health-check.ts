import { callApart } from '../base/call-apart.ts';
import type { System } from '../base/system.ts';

/** One that says nothing for this long is in doubt, and whoever is in doubt is here. Milliseconds. */
const PATIENCE = 2_000;
/** How long it is believed to be here after it has been asked. */
const BELIEVED = 1_000;

/** Finds out whether something is here whose answer looks as if it were not. */
export interface HealthCheck {
  /** Calls `settle` once. Many who ask at the same time share one question. */
  check(settle: (here: boolean) => void): void;
}

/** `ask` never rejects. */
export function createHealthCheck(deps: { readonly system: System; ask(): Promise<boolean> }): HealthCheck {
  const { system } = deps;
  let waiting: ((here: boolean) => void)[] = [];
  let hereAt = Number.NEGATIVE_INFINITY;
  return {
    check(settle) {
      if (system.monotonic() - hereAt < BELIEVED) return settle(true);
      waiting.push(settle);
      if (waiting.length > 1) return;
      let open = true;
      const finish = (here: boolean): void => {
        if (!open) return;
        open = false;
        limit.cancel();
        if (here) hereAt = system.monotonic();
        const asked = waiting;
        waiting = [];
        for (const one of asked) callApart(() => one(here));
      };
      const limit = system.setTimer(PATIENCE, () => finish(true));
      void deps.ask().then(finish);
    },
  };
}
