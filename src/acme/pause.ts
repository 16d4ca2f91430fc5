import type { System } from '../base/system.ts';

/** Waits `ms` milliseconds; rejects with the signal's reason as soon as it is aborted, at once if it was. */
export function pause(system: System, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const stop = (): void => {
      timer.cancel();
      reject(signal.reason);
    };
    const timer = system.setTimer(ms, () => {
      signal.removeEventListener('abort', stop);
      resolve();
    });
    signal.addEventListener('abort', stop, { once: true });
  });
}
