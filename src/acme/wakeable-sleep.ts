import type { System } from '../base/system.ts';

/** A sleep that can be ended from outside. */
export interface WakeableSleep {
  /** Resolves at the instant (milliseconds since the epoch), when woken, or when the signal is aborted. Never rejects. */
  until(at: number, signal: AbortSignal): Promise<void>;
  /** Ends the sleep that is under way, or, where there is none, the next one: a wake is never lost. */
  wake(): void;
}

/** `longest` in milliseconds: the clock may be set and the machine may sleep, which one long timer would not notice. */
export function createWakeableSleep(longest: number, { system }: { readonly system: System }): WakeableSleep {
  let woken = false;
  let finishSleep: (() => void) | undefined;

  return {
    until(at, signal) {
      return new Promise((resolve) => {
        const finish = (): void => {
          timer.cancel();
          signal.removeEventListener('abort', finish);
          finishSleep = undefined;
          woken = false;
          resolve();
        };
        const timer = system.setTimer(Math.max(1, Math.min(at - system.now(), longest)), finish);
        if (woken || signal.aborted) return finish();
        finishSleep = finish;
        signal.addEventListener('abort', finish, { once: true });
      });
    },
    wake() {
      woken = true;
      finishSleep?.();
    },
  };
}
