/** Who wants to hear of changes, and what they were told of. */
export interface ChangeFeed {
  /** As `Store.onChange`. */
  add(prefix: string, listener: (key: string) => void): () => void;
  /** How many listen. */
  size(): number;
  /** This key was seen in this version (undefined: it is not there). */
  see(key: string, version: string | undefined): void;
  /** These are all the keys there are, with their versions. */
  seeAll(versions: ReadonlyMap<string, string>): void;
}

/** Tells listeners of a key when it is seen in another version than before, however often and wherever it is seen. */
export function createChangeFeed(): ChangeFeed {
  const listeners = new Set<{ readonly prefix: string; readonly listener: (key: string) => void }>();
  const known = new Map<string, string>();

  function see(key: string, version: string | undefined): void {
    if (known.get(key) === version) return;
    if (version === undefined) known.delete(key);
    else known.set(key, version);
    for (const { prefix, listener } of [...listeners]) if (key.startsWith(prefix)) listener(key);
  }

  return {
    add(prefix, listener) {
      const entry = { prefix, listener };
      listeners.add(entry);
      return () => void listeners.delete(entry);
    },
    size: () => listeners.size,
    see,
    seeAll(versions) {
      for (const key of [...known.keys()]) if (!versions.has(key)) see(key, undefined);
      for (const [key, version] of versions) see(key, version);
    },
  };
}
