import { networkOf } from '../base/network-of.ts';
import type { System, Timer } from '../base/system.ts';
import type { Exchange } from './exchange.ts';
import type { UnreadAnswers } from './unread-answers.ts';

/** Watches a client that reads slower than the homeserver writes. */
export interface SlowReader {
  /** Calls `resume` whenever the client has caught up; from now on it is watched. */
  await(): void;
  /** The answer is here as a whole. It is cut off when it is not taken for as long as a transfer may stand still. */
  watch(): void;
}

/** Milliseconds after which an answer that is here as a whole counts as unread: nearly all have been taken by then. */
const MOMENT = 1_000;

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
  function after(ms: number, act: () => void): void {
    timer?.cancel();
    timer = deps.system.setTimer(ms, act);
  }
  const cutAfter = (ms: number): void =>
    after(ms, () => {
      deps.unread.noteStalled();
      exchange.abort();
    });
  function count(): void {
    leave ??= deps.unread.wait(networkOf(client), () => exchange.drop());
  }
  return {
    watch() {
      if (exchange.closed) return;
      const moment = Math.min(MOMENT, stalled / 2);
      after(moment, () => {
        cutAfter(stalled - moment);
        count();
      });
    },
    await() {
      if (exchange.closed) return;
      cutAfter(stalled);
      count();
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
