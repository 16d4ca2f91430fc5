import { networkOf } from '../base/network-of.ts';
import type { System, Timer } from '../base/system.ts';
import type { Exchange } from './exchange.ts';
import type { UnreadAnswers } from './unread-answers.ts';

/** Watches a client that reads slower than the homeserver writes. */
export interface SlowReader {
  /** Calls `resume` whenever the client has caught up; from now on it is watched. */
  await(): void;
  /** It is cut off when it takes nothing for as long as a transfer may stand still. */
  watch(): void;
}

export interface SlowReaderDeps {
  readonly system: System;
  /** Those of all requests. */
  readonly unread: UnreadAnswers;
  resume(): void;
}

export interface SlowReaderSlice {
  readonly exchange: Exchange;
  /** The address of whoever reads. */
  readonly client: string;
  /** Milliseconds. */
  readonly stalled: number;
}

export function createSlowReader({ exchange, client, stalled }: SlowReaderSlice, deps: SlowReaderDeps): SlowReader {
  let timer: Timer | undefined;
  let listening = false;
  let leave: (() => void) | undefined;
  exchange.onClosed(() => {
    timer?.cancel();
    leave?.();
  });
  function watch(): void {
    timer?.cancel();
    if (exchange.closed) return;
    timer = deps.system.setTimer(stalled, () => exchange.abort());
  }
  return {
    watch,
    await() {
      watch();
      leave ??= deps.unread.wait(networkOf(client), () => exchange.drop());
      if (listening) return;
      listening = true;
      exchange.onDrain(() => {
        timer?.cancel();
        leave?.();
        leave = undefined;
        deps.resume();
      });
    },
  };
}
