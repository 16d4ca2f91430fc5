import type { ChallengeStore } from '../../../src/acme/solvers/challenge-store.ts';

/** A store in memory that several "processes" share, that counts, and whose word of changes can be cut off. */
export interface MemoryStore extends ChallengeStore {
  readonly values: Map<string, Buffer>;
  readonly counts: { reads: number; lists: number };
  /** Whether changes are told. */
  tells: boolean;
  /** What every call rejects with, while it is set. */
  broken: Error | undefined;
}

export function createMemoryStore(): MemoryStore {
  const values = new Map<string, Buffer>();
  const listeners = new Set<{ prefix: string; listener: (key: string) => void }>();
  const counts = { reads: 0, lists: 0 };
  const changed = (key: string): void => {
    if (!store.tells) return;
    for (const { prefix, listener } of listeners) if (key.startsWith(prefix)) queueMicrotask(() => listener(key));
  };
  const check = (): void => {
    if (store.broken !== undefined) throw store.broken;
  };
  const store: MemoryStore = {
    values,
    counts,
    tells: true,
    broken: undefined,
    async read(key) {
      counts.reads++;
      check();
      return values.get(key);
    },
    async write(key, bytes) {
      check();
      values.set(key, Buffer.from(bytes));
      changed(key);
    },
    async remove(key) {
      check();
      values.delete(key);
      changed(key);
    },
    async list(prefix) {
      counts.lists++;
      check();
      return [...values.keys()].filter((key) => key.startsWith(prefix)).sort();
    },
    onChange(prefix, listener) {
      const entry = { prefix, listener };
      listeners.add(entry);
      return () => void listeners.delete(entry);
    },
  };
  return store;
}
