import type { System } from '../base/system.ts';

export interface TesterRunsSlice {
  /** How many tests may be under way at a time. */
  readonly most: number;
  /** Milliseconds that a result is shown again to whoever asks for the same. */
  readonly keep: number;
}

/** Tests under way and just done: the same test is shared by all who ask for it at about the same time. */
export interface TesterRuns<T> {
  /** A run of this test that is under way or fresh. */
  find(key: string): Promise<T> | undefined;
  /** Begins one, unless as many as may be are under way already. The result rejects as `run` does, or when closed. */
  begin(key: string, run: (signal: AbortSignal) => Promise<T>): Promise<T> | undefined;
  /** Ends all of them. Idempotent. */
  close(): void;
}

/** Results that are kept at most, beside those of tests under way. */
const MOST_KEPT = 32;

export function createTesterRuns<T>(
  { most, keep }: TesterRunsSlice,
  { system }: { readonly system: System },
): TesterRuns<T> {
  const stop = new AbortController();
  const runs = new Map<string, { readonly result: Promise<T>; endedAt: number | undefined }>();

  function forgetOld(): void {
    const now = system.monotonic();
    const ended = [...runs].filter(([, { endedAt }]) => endedAt !== undefined);
    for (const [index, [key, { endedAt = now }]] of ended.entries()) {
      if (now - endedAt >= keep || index < ended.length - MOST_KEPT) runs.delete(key);
    }
  }

  return {
    find(key) {
      forgetOld();
      return runs.get(key)?.result;
    },
    begin(key, run) {
      forgetOld();
      const underWay = [...runs.values()].filter(({ endedAt }) => endedAt === undefined).length;
      if (underWay >= most || stop.signal.aborted) return undefined;
      const result = run(stop.signal);
      const entry: { readonly result: Promise<T>; endedAt: number | undefined } = { result, endedAt: undefined };
      runs.set(key, entry);
      result.then(
        () => {
          entry.endedAt = system.monotonic();
        },
        () => void runs.delete(key),
      );
      return result;
    },
    close: () => stop.abort(),
  };
}
