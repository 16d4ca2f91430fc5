import { callApart } from '../../base/call-apart.ts';

/** Lets callers go on once the event loop has looked at what has arrived meanwhile. */
export interface Turns {
  await(caller: Caller): void;
}

export interface Caller {
  goOn(): void;
}

/**
 * One `setImmediate` for all who wait in a turn of the event loop. An idle connection may have been closed, or have bytes on it
 * that nobody asked for, and nobody has looked yet: behind this, what had arrived when the request came has been seen.
 */
export function createTurns(): Turns {
  let waiting: Caller[] = [];
  function goOn(): void {
    const callers = waiting;
    waiting = [];
    // A defect of one must not keep the others waiting for ever.
    for (const caller of callers) callApart(() => caller.goOn());
  }
  return {
    await(caller) {
      if (waiting.push(caller) === 1) setImmediate(goOn);
    },
  };
}
