import type { System } from '../base/system.ts';

/** Milliseconds by which the wall clock goes on more or less than the monotonic one when somebody sets it. */
const SET = 60_000;

/** A sleep that can be ended from outside. */
export interface WakeableSleep {
  /**
   * Resolves at the instant (milliseconds since the epoch), when woken, when the signal is aborted, and when the clock
   * was set or the machine slept: what the instant was reckoned by is then to be looked at again. Never rejects.
   */
  until(at: number, signal: AbortSignal): Promise<void>;
  /** Ends the sleep that is under way, or, where there is none, the next one: a wake is never lost. */
  wake(): void;
}

/** `longest` in milliseconds: so often the clock is looked at, for a step of it is noticed by no timer. */
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
        const doze = () => {
          const [now, monotonic] = [system.now(), system.monotonic()];
          return system.setTimer(Math.max(1, Math.min(at - now, longest)), () => {
            const drift = system.now() - now - (system.monotonic() - monotonic);
            if (system.now() >= at || Math.abs(drift) > SET) return finish();
            timer = doze();
          });
        };
        let timer = doze();
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
