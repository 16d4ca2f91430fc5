/** Work that strangers can ask for in bursts, begun a little at a time. */
export interface FairTurns<K> {
  /** Calls `begin` in a later turn, when it is its turn. `key` is who asks. */
  enter(key: K, begin: () => void): void;
}

/**
 * Begins at most `perTurn` of what waits in each turn, so that what else has come is served in between, and at most one for
 * each that asks: what whoever asks for much has set off is seen to before the next of theirs begins. `atNextTurn` calls when the next turn is: of the event
 * loop, where nothing else is said.
 */
export function createFairTurns<K>(
  perTurn: number,
  atNextTurn: (next: () => void) => void = setImmediate,
): FairTurns<K> {
  /** By who asks; the one that was served longest ago first. */
  const lanes = new Map<K, (() => void)[]>();
  let due = false;

  function next(): void {
    due = false;
    for (let left = Math.min(perTurn, lanes.size); left > 0; left--) {
      const [[key, lane]] = lanes as unknown as [[K, (() => void)[]]];
      const begin = lane.shift()!;
      lanes.delete(key);
      if (lane.length > 0) lanes.set(key, lane);
      begin();
    }
    if (lanes.size > 0) schedule();
  }

  function schedule(): void {
    if (due) return;
    due = true;
    atNextTurn(next);
  }

  return {
    enter(key, begin) {
      const lane = lanes.get(key);
      if (lane === undefined) lanes.set(key, [begin]);
      else lane.push(begin);
      schedule();
    },
  };
}
