import { realSystem, type System } from '../../src/base/system.ts';

/** A System whose clock stands still until a test moves it. Timers fire in order while it moves. */
export interface ManualSystem extends System {
  /** Moves the clock by `ms`, firing what falls due, and waits until what the timers began has had its turn. */
  advance(ms: number): Promise<void>;
  /** How many timers are set. */
  pending(): number;
}

interface Pending {
  readonly at: number;
  readonly fn: () => void;
}

/** `settle` waits for what a timer began; its default is long enough for file reads and key generation. */
export function createManualSystem(
  start = Date.parse('2026-06-01T12:00:00Z'),
  settle: () => Promise<void> = rest,
): ManualSystem {
  let now = start;
  const timers = new Set<Pending>();
  return {
    ...realSystem,
    now: () => now,
    monotonic: () => now - start,
    setTimer(ms, fn) {
      const timer = { at: now + ms, fn };
      timers.add(timer);
      return { cancel: () => void timers.delete(timer) };
    },
    async advance(ms) {
      const end = now + ms;
      for (;;) {
        const [next] = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
        if (next === undefined) break;
        now = next.at;
        timers.delete(next);
        next.fn();
        await settle();
      }
      now = end;
      await settle();
    },
    pending: () => timers.size,
  };
}

function rest(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 30));
}
