import { SidecarError } from '../base/errors.ts';
import { realSystem } from '../base/system.ts';
import type { Logger } from '../observe/logger.ts';

/** Milliseconds in which two SIGINT are one: Ctrl-C reaches the process from the terminal, and from npm as well. */
const ONE_INTERRUPT = 500;

export interface SignalActions {
  stop(): Promise<void>;
  stopNow(): Promise<void>;
  /** Never rejects. */
  reload(): Promise<void>;
}

export interface Signals {
  /** Acts on signals, those from before this call too; resolves when `stop` or `stopNow` has done its work. */
  run(actions: SignalActions): Promise<void>;
}

/**
 * Takes over the process's signals, for good: one that comes while the sidecar starts, or after it has stopped, must
 * not end the process by itself. SIGTERM and SIGINT stop, the second of them at once, but not
 * what one Ctrl-C sends twice; SIGHUP reloads.
 */
export function listenForSignals(log: Logger): Signals {
  const early: NodeJS.Signals[] = [];
  let act = (signal: NodeJS.Signals): void => void early.push(signal);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => act(signal));
  surviveDefects(log);
  return {
    run: (actions) =>
      new Promise((resolve, reject) => {
        let stopping = false;
        let lastInterrupt = Number.NEGATIVE_INFINITY;
        act = (signal) => {
          if (signal === 'SIGHUP') {
            if (!stopping) void actions.reload();
            return;
          }
          const sinceInterrupt = realSystem.monotonic() - lastInterrupt;
          if (signal === 'SIGINT') lastInterrupt = realSystem.monotonic();
          if (stopping && signal === 'SIGINT' && sinceInterrupt < ONE_INTERRUPT) return;
          const again = stopping;
          stopping = true;
          const sentence = again
            ? 'Asked again: stopping at once.'
            : 'Draining: no new connections, what runs may finish.';
          log.info({ signal }, sentence);
          const done = again ? actions.stopNow() : actions.stop();
          done.then(resolve, reject).finally(() => {
            act = () => {};
          });
        };
        for (const signal of early.splice(0)) act(signal);
      }),
  };
}

/** Requests are independent of each other: a defect in one must not take down the others' connections. */
export function surviveDefects(log: Logger): void {
  const onDefect = (err: unknown): void => {
    // Even one whose words are meant for operators: that nobody caught it is a defect.
    const stack = err instanceof SidecarError ? { stack: err.stack } : {};
    log.error({ err, ...stack }, 'Unexpected error; the sidecar goes on. Please report it.');
  };
  process.on('uncaughtException', onDefect).on('unhandledRejection', onDefect);
}
