import type { ActiveWarning, Announcer, Matter } from './announcer.ts';

/** Who watches what. */
export type Watch = 'certificates' | 'homeservers' | 'outside';

/** What all that is watched comes to, at the moment. */
export interface WarningBoard {
  /** Everything that one watch can say something of, in place of what it said before. Whoever is to be told is. */
  put(watch: Watch, matters: readonly Matter[]): void;
  /** The warnings that hold, the oldest first. */
  list(): readonly ActiveWarning[];
}

/** `announcers`: one for each way on which people are told. */
export function createWarningBoard(announcers: readonly Pick<Announcer, 'look'>[]): WarningBoard {
  const known = new Map<Watch, readonly Matter[]>();
  const all = (): readonly Matter[] => [...known.values()].flat();
  return {
    put(watch, matters) {
      known.set(watch, matters);
      for (const announcer of announcers) announcer.look(all());
    },
    list: () =>
      all()
        .flatMap(({ active }) => active ?? [])
        .sort((a, b) => a.since - b.since),
  };
}
