import type { System } from '../base/system.ts';

export interface BusiestNamesSlice {
  /** Milliseconds. */
  readonly window: number;
  /** Names that are told apart; the rest is one. */
  readonly shown: number;
  /** Names that are remembered at most. */
  readonly remembered: number;
}

export interface NameCount {
  readonly name: string;
  readonly count: number;
}

/** Who came most often, however many came. */
export interface BusiestNames {
  /** `undefined`: somebody who is not worth a name. */
  note(name: string | undefined): void;
  /** Of the last whole window (at first of the one that has begun): the busiest first, `REST` last if there is a rest. */
  describe(): readonly NameCount[];
  /** Names in memory. */
  readonly remembered: number;
}

/** All whom there is no room for by name. */
export const REST = 'other';

interface Window {
  readonly began: number;
  readonly counts: Map<string, number>;
  total: number;
}

/**
 * Counts by names that strangers choose, in memory that does not grow with them: where there is no room for one more, each
 * name loses one (Misra and Gries, "Finding repeated elements", 1982). So whoever has more than one in `remembered` of all
 * is always among those that are left, and nobody is counted too high.
 */
export function createBusiestNames(slice: BusiestNamesSlice, { system }: { readonly system: System }): BusiestNames {
  let now: Window = begin(system.monotonic());
  let last: Window | undefined;

  function begin(began: number): Window {
    return { began, counts: new Map(), total: 0 };
  }

  function turn(): void {
    const at = system.monotonic();
    const age = at - now.began;
    if (age < slice.window) return;
    last = age < 2 * slice.window ? now : begin(at);
    now = begin(at);
  }

  function add(counts: Map<string, number>, name: string): void {
    const known = counts.get(name);
    if (known !== undefined || counts.size < slice.remembered) return void counts.set(name, (known ?? 0) + 1);
    for (const [other, count] of counts) {
      if (count === 1) counts.delete(other);
      else counts.set(other, count - 1);
    }
  }

  return {
    note(name) {
      turn();
      now.total++;
      if (name !== undefined && name !== REST) add(now.counts, name);
    },
    describe() {
      turn();
      const { counts, total } = last ?? now;
      const busiest = [...counts]
        .map(([name, count]) => ({ name, count }))
        .sort((a, b) => b.count - a.count)
        .slice(0, slice.shown);
      const rest = busiest.reduce((left, { count }) => left - count, total);
      return rest > 0 ? [...busiest, { name: REST, count: rest }] : busiest;
    },
    get remembered() {
      return now.counts.size + (last?.counts.size ?? 0);
    },
  };
}
