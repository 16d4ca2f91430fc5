import { createHash, randomBytes } from 'node:crypto';
import { realSystem, type System } from '../../src/base/system.ts';

/** Milliseconds of real time in which something has to happen, or the work that is waited for hangs. */
const PATIENCE = 20_000;

interface Pending {
  readonly at: number;
  readonly order: number;
  readonly owner: object | undefined;
  readonly fn: () => void;
}

/**
 * A System whose clock goes from timer to timer, as soon as nothing real is under way: files and sockets are real, and
 * two years pass in seconds.
 */
export interface VirtualSystem extends System {
  /** Milliseconds since the epoch as everybody but this machine has them: `now()` without what `step` did to it. */
  trueNow(): number;
  /** Sets the wall clock, as a person or NTP does. The monotonic one and timers do not notice. */
  step(ms: number): void;
  /** Real work that the clock stands still for. Gives back the same promise. */
  track<T>(work: Promise<T>): Promise<T>;
  /** Moves the clock by `ms`, timer by timer, or until `isEnough`. Rejects when real work hangs. */
  run(ms: number, isEnough?: () => boolean): Promise<void>;
  /** Moves the clock by `ms` where nobody waits for it. */
  skip(ms: number): void;
  /** This System for one process: `end` cancels all the timers that it set, and those that it sets later. */
  forProcess(): { readonly system: System; end(): void };
}

/** With a `seed`, the dice fall by the instant alone, whoever throws them first; without, they are the machine's. */
export function createVirtualSystem(start: number, seed?: number): VirtualSystem {
  let elapsed = 0;
  let stepped = 0;
  let order = 0;
  let underWay = 0;
  let finished: (() => void) | undefined;
  const timers = new Set<Pending>();

  function setTimer(ms: number, fn: () => void, owner?: { over: boolean }) {
    const timer = { at: elapsed + Math.max(0, ms), order: order++, owner, fn };
    if (owner?.over !== true) timers.add(timer);
    return { cancel: () => void timers.delete(timer) };
  }

  /** Until no tracked work is under way and somebody waits for a timer: else they compute. */
  async function settle(isEnough: () => boolean): Promise<void> {
    const began = performance.now();
    for (let quiet = 0; quiet < 3; ) {
      if (performance.now() - began > PATIENCE) throw new Error(`${underWay} calls hang, with ${timers.size} timers`);
      await new Promise((resolve) => setImmediate(resolve));
      if (underWay > 0) {
        quiet = 0;
        await new Promise<void>((resolve) => {
          const late = setTimeout(resolve, PATIENCE);
          finished = () => {
            clearTimeout(late);
            resolve();
          };
        });
      } else if (isEnough()) {
        return;
      } else if (timers.size === 0) {
        quiet = 0;
        await new Promise((resolve) => setTimeout(resolve, 1));
      } else quiet++;
    }
  }

  function next(): Pending | undefined {
    let first: Pending | undefined;
    for (const one of timers) {
      if (first === undefined || one.at < first.at || (one.at === first.at && one.order < first.order)) first = one;
    }
    return first;
  }

  const system: VirtualSystem = {
    ...realSystem,
    now: () => Math.floor(start + elapsed + stepped),
    monotonic: () => elapsed,
    randomBytes(length) {
      if (seed === undefined) return randomBytes(length);
      const block = createHash('sha256').update(`${seed} ${elapsed} ${length}`).digest();
      return Buffer.alloc(length, block);
    },
    setTimer: (ms, fn) => setTimer(ms, fn),
    trueNow: () => Math.floor(start + elapsed),
    step(ms) {
      stepped += ms;
    },
    track(work) {
      underWay++;
      const done = (): void => {
        underWay--;
        if (underWay === 0) finished?.();
      };
      work.then(done, done);
      return work;
    },
    async run(ms, isEnough = () => false) {
      const end = elapsed + ms;
      for (let dozed = false; ; ) {
        if (!dozed) await settle(isEnough);
        if (isEnough()) return;
        const timer = next()!;
        if (timer.at > end) break;
        elapsed = Math.max(elapsed, timer.at);
        timers.delete(timer);
        const [set, calls] = [order, underWay];
        timer.fn();
        // It only set the next timer: nothing has begun that would have to be waited for.
        dozed = order > set && underWay === calls;
      }
      elapsed = end;
    },
    skip(ms) {
      elapsed += ms;
    },
    forProcess() {
      const owner = { over: false };
      return {
        system: { ...system, setTimer: (ms, fn) => setTimer(ms, fn, owner) },
        end() {
          owner.over = true;
          for (const timer of [...timers]) if (timer.owner === owner) timers.delete(timer);
        },
      };
    },
  };
  return system;
}
