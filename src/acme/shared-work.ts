/** Work that several callers wait for and that is done once, whoever asks first. */
export interface SharedWork<T> {
  /**
   * Joins the work in flight, or starts it. Each caller may leave by its own signal; the work itself is aborted when the
   * last one has left. Nothing is remembered once it is over.
   */
  join(signal: AbortSignal): Promise<T>;
}

interface Flight<T> {
  readonly result: Promise<T>;
  readonly stop: AbortController;
  waiting: number;
}

/** `work` is called with a signal of its own. */
export function shareWork<T>(work: (signal: AbortSignal) => Promise<T>): SharedWork<T> {
  let flight: Flight<T> | undefined;

  function start(): Flight<T> {
    const stop = new AbortController();
    const begun: Flight<T> = {
      stop,
      waiting: 0,
      result: work(stop.signal).finally(() => {
        if (flight === begun) flight = undefined;
      }),
    };
    // Whoever waits hears of a failure; when all have left, nobody does, and it is not an unhandled one.
    begun.result.catch(() => {});
    return begun;
  }

  return {
    async join(signal) {
      signal.throwIfAborted();
      flight ??= start();
      const joined = flight;
      joined.waiting++;
      const { promise: left, reject } = Promise.withResolvers<never>();
      const leave = (): void => reject(signal.reason);
      signal.addEventListener('abort', leave, { once: true });
      try {
        return await Promise.race([joined.result, left]);
      } finally {
        signal.removeEventListener('abort', leave);
        joined.waiting--;
        if (joined.waiting === 0) {
          if (flight === joined) flight = undefined;
          joined.stop.abort(signal.reason);
        }
      }
    },
  };
}
