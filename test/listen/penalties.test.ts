import { beforeEach, expect, it } from 'vitest';
import { realSystem } from '../../src/base/system.ts';
import { createPenalties, type Penalties } from '../../src/listen/penalties.ts';

let now: number;
let penalties: Penalties;
beforeEach(() => {
  now = 1_000;
  penalties = createPenalties({ system: { ...realSystem, monotonic: () => now } });
});
const strike = (times: number, network = 'a'): void => {
  for (let count = 0; count < times; count++) penalties.strike(network);
};

it('the first few cost nothing', () => {
  strike(3);
  expect(penalties.delay('a')).toBe(0);
});

it('then each doubles the wait of the next connection, up to four seconds, and is nobody else’s', () => {
  strike(3);
  const delays = Array.from({ length: 8 }, () => {
    strike(1);
    return penalties.delay('a');
  });
  expect(delays).toEqual([250, 500, 1_000, 2_000, 4_000, 4_000, 4_000, 4_000]);
  expect(penalties.delay('b')).toBe(0);
});

it('the wait is over when its time is', () => {
  strike(5);
  now += 400;
  expect(penalties.delay('a')).toBe(100);
  now += 100;
  expect(penalties.delay('a')).toBe(0);
});

it('one is forgotten every ten seconds: a fault of a client now and then never adds up', () => {
  strike(4);
  now += 20_000;
  strike(1);
  expect(penalties.delay('a')).toBe(0);
  strike(1);
  expect(penalties.delay('a')).toBe(250);
  for (let minute = 0; minute < 100; minute++) {
    now += 30_000;
    strike(1);
  }
  expect(penalties.delay('a')).toBe(0);
});

it('however many there were, it is over after two minutes', () => {
  strike(10_000);
  now += 100_000;
  strike(1);
  expect(penalties.delay('a')).toBe(0);
});

it('ten thousand networks are remembered, the latest', () => {
  strike(5, 'first');
  for (let index = 0; index < 10_000; index++) strike(5, `n${index}`);
  expect(penalties.delay('first')).toBe(0);
  expect(penalties.delay('n0')).toBe(500);
});
