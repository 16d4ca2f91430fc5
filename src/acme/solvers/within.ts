import type { System } from '../../base/system.ts';

/**
 * Does work that has so many milliseconds of the system's clock. Its signal is aborted when the time is over, with the
 * error that `late` makes, or when `signal` is, with that one's reason.
 */
export async function within<T>(
  system: System,
  ms: number,
  signal: AbortSignal | undefined,
  late: () => Error,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const timer = system.setTimer(ms, () => deadline.abort(late()));
  try {
    return await work(signal === undefined ? deadline.signal : AbortSignal.any([signal, deadline.signal]));
  } finally {
    timer.cancel();
  }
}
