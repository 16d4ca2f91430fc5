import { expect, it } from 'vitest';
import { Deadline } from '../../../src/forward/upstream/deadline.ts';
import { createManualSystem } from '../../tls/manual-system.ts';

function setUp() {
  const system = createManualSystem(0, async () => {});
  const passed: number[] = [];
  let set = 0;
  const counting = {
    ...system,
    setTimer(ms: number, fn: () => void) {
      set++;
      return system.setTimer(ms, fn);
    },
  };
  const deadline = new Deadline(counting, () => void passed.push(system.monotonic()));
  return { system, passed, deadline, timers: () => set };
}

it('passes once, at its time', async () => {
  const { system, passed, deadline } = setUp();
  deadline.set(1_000);
  await system.advance(999);
  expect(passed).toEqual([]);
  await system.advance(5_000);
  expect(passed).toEqual([1_000]);
  deadline.set(10);
  await system.advance(10);
  expect(passed).toEqual([1_000, 6_009]);
});

it('is moved a thousand times with the timers that it needs to run out', async () => {
  const { system, passed, deadline, timers } = setUp();
  for (let count = 0; count < 1_000; count++) {
    deadline.set(1_000);
    await system.advance(10);
  }
  expect(timers()).toBeLessThanOrEqual(11);
  await system.advance(2_000);
  expect(passed).toEqual([10_990]);
});

it('passes earlier when it is moved forward, and not at all when it is cleared or closed', async () => {
  const { system, passed, deadline } = setUp();
  deadline.set(5_000);
  deadline.set(1_000);
  await system.advance(1_000);
  expect(passed).toEqual([1_000]);
  deadline.set(1_000);
  deadline.clear();
  await system.advance(10_000);
  deadline.set(1_000);
  deadline.close();
  deadline.close();
  await system.advance(10_000);
  expect(passed).toEqual([1_000]);
  expect(system.pending()).toBe(0);
});
