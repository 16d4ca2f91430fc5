import type { Advice } from '../../advise/advice.ts';
import type { Missing } from '../../advise/live/missing.ts';
import type { System } from '../../base/system.ts';
import type { ServerName } from '../../matrix/server-name.ts';
import { judgeLive } from './judge-live.ts';
import { type LookDeps, lookFromOutside } from './look-from-outside.ts';

/** A server that is waited for. */
export interface WatchedServer {
  readonly serverName: ServerName;
  readonly advice: Advice;
}

/** What is told of a server whenever it is other than before. */
export interface WatchNews {
  readonly server: WatchedServer;
  /** Everything that blocks is gone. */
  readonly live: boolean;
  readonly missing: readonly Missing[];
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface WatchSlice {
  readonly servers: readonly WatchedServer[];
  /** Milliseconds after which it is given up; never when it is not given. */
  readonly timeout?: number | undefined;
  /** Milliseconds from one look to the next after a change; 5 s, but in tests. */
  readonly pause?: number;
}

/** Milliseconds from one look to the next: soon after a change, then ever more seldom. */
const PAUSE = { first: 5_000, factor: 1.5, most: 60_000 } as const;
/** Servers that are looked at at the same time. */
const AT_ONCE = 4;

/**
 * Looks again and again until every server is as its advice has it, and tells what is missing only when that has
 * changed. A resolver goes on saying what it remembers for as long as the record's TTL (for a record that was missing,
 * the zone's negative TTL), so that looking more often than once a minute would show nothing sooner. Resolves with how
 * it ended: all live, the time over, or the signal aborted.
 */
export async function watchServers(
  { servers, timeout, pause: first = PAUSE.first }: WatchSlice,
  deps: LookDeps & { readonly tell: (news: WatchNews) => void },
  signal: AbortSignal,
): Promise<'live' | 'timeout' | 'interrupted'> {
  const { system, tell } = deps;
  const over = new AbortController();
  const timer = timeout === undefined ? undefined : system.setTimer(timeout, () => over.abort());
  const either = AbortSignal.any([signal, over.signal]);
  const told = new Map<WatchedServer, string>();
  let waiting = [...servers];
  try {
    for (let pause = first; ; ) {
      let changed = false;
      const rest: WatchedServer[] = [];
      for (let begin = 0; begin < waiting.length; begin += AT_ONCE) {
        const group = waiting.slice(begin, begin + AT_ONCE);
        const seen = await Promise.all(
          group.map((server) => lookFromOutside(server.serverName, server.advice, deps, either)),
        );
        for (const [index, server] of group.entries()) {
          const missing = judgeLive(server.advice, seen[index]!, deps.connectTo);
          const live = !missing.some(({ blocking }) => blocking);
          if (!live) rest.push(server);
          const words = JSON.stringify(missing);
          if (!live && told.get(server) === words) continue;
          told.set(server, words);
          changed = true;
          tell({ server, live, missing, at: system.now() });
        }
      }
      waiting = rest;
      if (waiting.length === 0) return 'live';
      await sleep(pause, system, either);
      pause = changed ? first : Math.min(pause * PAUSE.factor, PAUSE.most);
    }
  } catch (error) {
    if (!either.aborted) throw error;
    return signal.aborted ? 'interrupted' : 'timeout';
  } finally {
    timer?.cancel();
  }
}

/** Rejects with the signal's reason when aborted. */
function sleep(ms: number, system: System, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const stop = (): void => {
      timer.cancel();
      reject(signal.reason as Error);
    };
    const timer = system.setTimer(ms, () => {
      signal.removeEventListener('abort', stop);
      resolve();
    });
    signal.addEventListener('abort', stop, { once: true });
  });
}
