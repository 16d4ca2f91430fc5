import { describe, expect, it } from 'vitest';
import { createInFlight } from '../../src/app/in-flight.ts';
import { realSystem, type System } from '../../src/base/system.ts';

interface Fake {
  readonly system: System;
  readonly waits: { readonly ms: number; fire(): void }[];
  readonly pending: () => number;
}

function fakeSystem(): Fake {
  const waits: Fake['waits'][number][] = [];
  let pending = 0;
  const system: System = {
    ...realSystem,
    setTimer(ms, fn) {
      let set = true;
      pending++;
      const unset = (): void => {
        if (set) pending--;
        set = false;
      };
      waits.push({
        ms,
        fire() {
          unset();
          fn();
        },
      });
      return { cancel: unset };
    },
  };
  return { system, waits, pending: () => pending };
}

/** Has it resolved by now? */
async function isSettled(promise: Promise<void>): Promise<boolean> {
  return Promise.race([promise.then(() => true), new Promise<false>((resolve) => setImmediate(() => resolve(false)))]);
}

describe('empty', () => {
  it('resolves at once, without a timer, when nothing is under way', async () => {
    const { system, waits } = fakeSystem();
    expect(await isSettled(createInFlight().empty(1_000, system))).toBe(true);
    expect(waits).toEqual([]);
  });

  it('resolves with the last one that leaves, and its timer is gone', async () => {
    const { system, waits, pending } = fakeSystem();
    const inFlight = createInFlight();
    inFlight.enter();
    inFlight.enter();
    const empty = inFlight.empty(1_000, system);
    expect(waits.map(({ ms }) => ms)).toEqual([1_000]);
    inFlight.leave();
    expect([await isSettled(empty), inFlight.count]).toEqual([false, 1]);
    inFlight.leave();
    expect([await isSettled(empty), inFlight.count, pending()]).toEqual([true, 0, 0]);
  });

  it('resolves when the time is over, whatever is still under way', async () => {
    const { system, waits } = fakeSystem();
    const inFlight = createInFlight();
    inFlight.enter();
    const empty = inFlight.empty(1_000, system);
    waits[0]?.fire();
    expect([await isSettled(empty), inFlight.count]).toEqual([true, 1]);
    inFlight.leave();
    expect(inFlight.count).toBe(0);
  });

  it('resolves for everybody who waits', async () => {
    const { system, pending } = fakeSystem();
    const inFlight = createInFlight();
    inFlight.enter();
    const waiting = [inFlight.empty(1_000, system), inFlight.empty(2_000, system)];
    inFlight.leave();
    expect(await Promise.all(waiting.map(isSettled))).toEqual([true, true]);
    expect(pending()).toBe(0);
  });
});
