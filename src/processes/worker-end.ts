import type { Worker } from 'node:cluster';
import type { System } from '../base/system.ts';

/** Milliseconds in which the rest of its output has to come: something that it started may hold its stderr open. */
const REST_LIMIT = 500;

/** Resolves when a forked process is gone and its stderr has been read; also where it never came to be. */
export function watchEnd(
  worker: Worker,
  system: System,
): Promise<{ readonly code: number | null; readonly signal: string | null }> {
  return new Promise((resolve) => {
    // Also errors of the channel to it, which are followed by its end.
    worker.on('error', () => {
      if (worker.process.pid === undefined) resolve({ code: null, signal: null });
    });
    worker.process.once('exit', (code, signal) => {
      const done = (): void => {
        rest.cancel();
        resolve({ code, signal });
      };
      const rest = system.setTimer(REST_LIMIT, done);
      worker.process.once('close', done);
    });
  });
}
