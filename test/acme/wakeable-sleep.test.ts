import { expect, it } from 'vitest';
import { createWakeableSleep } from '../../src/acme/wakeable-sleep.ts';
import { realSystem } from '../../src/base/system.ts';

const FAR = 60_000;
const never = new AbortController().signal;
const create = (longest = FAR) => createWakeableSleep(longest, { system: realSystem });
const inTime = (sleep: Promise<void>) =>
  Promise.race([sleep.then(() => 'woke'), new Promise((resolve) => setTimeout(resolve, 2_000, 'slept on'))]);

it('ends when it is woken', async () => {
  const sleep = create();
  const slept = sleep.until(Date.now() + FAR, never);
  sleep.wake();
  expect(await inTime(slept)).toBe('woke');
});

it('does not lose a wake that came while nobody slept', async () => {
  const sleep = create();
  sleep.wake();
  expect(await inTime(sleep.until(Date.now() + FAR, never))).toBe('woke');
});

it('is woken once by one wake', async () => {
  const sleep = create();
  sleep.wake();
  await sleep.until(Date.now() + FAR, never);
  const began = performance.now();
  await sleep.until(Date.now() + 50, never);
  expect(performance.now() - began).toBeGreaterThan(30);
});

it('ends with the signal, also with one that was aborted before', async () => {
  const stop = new AbortController();
  const slept = create().until(Date.now() + FAR, stop.signal);
  stop.abort();
  expect(await inTime(slept)).toBe('woke');
  expect(await inTime(create().until(Date.now() + FAR, stop.signal))).toBe('woke');
});

it.each([
  ['forth by a day', 86_400_000],
  ['back by a day', -86_400_000],
])('ends soon when the clock is set %s, for the instant may not be what it was', async (_, step) => {
  let stepped = 0;
  const system = { ...realSystem, now: () => realSystem.now() + stepped };
  const slept = createWakeableSleep(20, { system }).until(system.now() + FAR, never);
  setTimeout(() => {
    stepped = step;
  }, 30);
  expect(await inTime(slept)).toBe('woke');
});

it('looks at the clock now and then without ending', async () => {
  const began = performance.now();
  await create(10).until(Date.now() + 100, never);
  expect(performance.now() - began).toBeGreaterThan(80);
});
