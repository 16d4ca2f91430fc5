import { expect, it } from 'vitest';
import { realSystem, type System } from '../../src/base/system.ts';
import { awaitDescriptor } from '../../src/forward/await-descriptor.ts';

const failed = (code: string): Error => Object.assign(new Error(code), { code });

/** Dials with these outcomes, the last one again and again, on a clock that stands still but for its timers. */
function dial(...codes: string[]) {
  let now = 0;
  let dials = 0;
  let exhausted = 0;
  const outcomes: (string | undefined)[] = [];
  const system: System = {
    ...realSystem,
    monotonic: () => now,
    setTimer(ms, run) {
      now += ms;
      run();
      return realSystem.setTimer(0, () => {});
    },
  };
  awaitDescriptor(
    (done) => {
      const code = codes[Math.min(dials++, codes.length - 1)]!;
      done(code === '' ? null : failed(code), null);
    },
    (error) => void outcomes.push((error as (Error & { code?: string }) | null)?.code),
    { system, onExhausted: () => void exhausted++ },
  );
  return { dials, exhausted, outcomes, now };
}

it('waits for a descriptor, and has idle connections closed meanwhile', () => {
  expect(dial('EMFILE', 'ENFILE', '')).toEqual({ dials: 3, exhausted: 2, outcomes: [undefined], now: 200 });
});

it('waits for a place in the queue of a Unix socket, for which nothing of ours has to be closed', () => {
  expect(dial('EAGAIN', 'EAGAIN', '')).toEqual({ dials: 3, exhausted: 0, outcomes: [undefined], now: 200 });
});

it.each([
  ['EMFILE', 'descriptors-exhausted'],
  ['EAGAIN', 'EAGAIN'],
])('gives up after ten seconds of %s', (code, said) => {
  expect(dial(code)).toMatchObject({ outcomes: [said], now: 10_000 });
});

it('says at once what else is wrong', () => {
  expect(dial('ECONNREFUSED')).toMatchObject({ dials: 1, outcomes: ['ECONNREFUSED'] });
});
