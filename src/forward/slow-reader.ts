import type { System, Timer } from '../base/system.ts';
import type { Exchange } from './exchange.ts';

/** Watches a client that reads slower than the homeserver writes. */
export interface SlowReader {
  /** Calls `resume` whenever the client has caught up; from now on it is watched. */
  await(): void;
  /** It is cut off when it takes nothing for as long as a transfer may stand still. */
  watch(): void;
}

/** `stalled` in milliseconds. */
export function createSlowReader(
  { exchange, stalled }: { readonly exchange: Exchange; readonly stalled: number },
  deps: { readonly system: System; resume(): void },
): SlowReader {
  let timer: Timer | undefined;
  let listening = false;
  exchange.onClosed(() => timer?.cancel());
  function watch(): void {
    timer?.cancel();
    if (exchange.closed) return;
    timer = deps.system.setTimer(stalled, () => exchange.abort());
  }
  return {
    watch,
    await() {
      watch();
      if (listening) return;
      listening = true;
      exchange.onDrain(() => {
        timer?.cancel();
        deps.resume();
      });
    },
  };
}
