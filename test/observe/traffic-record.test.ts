import { expect, it } from 'vitest';
import { realSystem } from '../../src/base/system.ts';
import type { MetricValue } from '../../src/observe/metric-family.ts';
import { createTrafficRecord } from '../../src/observe/traffic-record.ts';

const STEP = 5_000;

/** A record of four steps, with counters and a clock at hand. */
function setUp() {
  const counters: Record<string, number> = {};
  let passed = 0;
  let offset = 1_000_000_000_000 + 1_234;
  let due: { at: number; fn: () => void } | undefined;
  const system = {
    ...realSystem,
    now: () => passed + offset,
    setTimer(ms: number, fn: () => void) {
      const set = { at: passed + ms, fn };
      due = set;
      const cancel = (): void => {
        if (due === set) due = undefined;
      };
      return { cancel };
    },
  };
  const read = (): MetricValue[] =>
    Object.entries(counters).map(([key, value]) => {
      const [surface = '', status = ''] = key.split(' ');
      return { labels: { surface, status, blame: 'nobody' }, value };
    });
  const record = createTrafficRecord({ step: STEP, kept: 4 }, { system, read });
  return {
    record,
    counters,
    isWaiting: () => due !== undefined,
    /** Moves the clock on, with what is due on the way. */
    pass(ms: number) {
      const until = passed + ms;
      while (due !== undefined && due.at <= until) {
        const { at, fn } = due;
        passed = at;
        fn();
      }
      passed = until;
    },
    setClock(ms: number) {
      offset = ms - passed;
    },
    requests: () => record.describe().series.map(({ surface, status, requests }) => [surface, status, requests]),
  };
}

it('what was counted in each step stands there, by surface and class of status', () => {
  const { counters, pass, requests, record } = setUp();
  counters['client 200'] = 3;
  counters['client 204'] = 2;
  counters['client none'] = 1;
  pass(STEP);
  counters['client 200'] = 10;
  counters['federation 502'] = 4;
  pass(STEP);
  expect(requests()).toEqual([
    ['client', '2xx', [0, 0, 5, 7]],
    ['client', 'none', [0, 0, 1, 0]],
    ['federation', '5xx', [0, 0, 0, 4]],
  ]);
  expect(record.describe()).toMatchObject({ step_seconds: 5, steps: 4, from: '2001-09-09T01:46:30.000Z' });
});

it('what is older than the record is forgotten, and a series of nothing is none', () => {
  const { counters, pass, requests } = setUp();
  counters['client 200'] = 3;
  pass(STEP);
  expect(requests()).toEqual([['client', '2xx', [0, 0, 0, 3]]]);
  pass(3 * STEP);
  expect(requests()).toEqual([['client', '2xx', [3, 0, 0, 0]]]);
  pass(STEP);
  expect(requests()).toEqual([]);
});

it('who asks how the sidecar is, is no traffic', () => {
  const { counters, pass, requests } = setUp();
  counters['admin 200'] = 30;
  counters['probe 404'] = 30;
  pass(STEP);
  expect(requests()).toEqual([]);
});

it('a clock that is set back or forth costs the steps that it makes impossible, and nothing else', () => {
  const { counters, pass, requests, setClock } = setUp();
  counters['client 200'] = 3;
  pass(STEP);
  setClock(1_000_000_000_000 - 3_600_000);
  pass(2 * STEP);
  counters['client 200'] = 9;
  pass(STEP);
  const [[, , last] = []] = requests() as [string, string, number[]][];
  expect(last?.at(-1)).toBe(6);
  setClock(2_000_000_000_000);
  pass(STEP);
  expect(requests()).toEqual([]);
});

it('one that is closed tells of the step that was going on, too', () => {
  const { counters, pass, requests, record } = setUp();
  counters['client 200'] = 3;
  pass(STEP);
  counters['client 200'] = 5;
  expect(requests()).toEqual([['client', '2xx', [0, 0, 0, 3]]]);
  record.close();
  expect(requests()).toEqual([['client', '2xx', [0, 0, 3, 2]]]);
});

it('it looks once in each step, and no more when it is closed', () => {
  const { record, isWaiting } = setUp();
  expect(isWaiting()).toBe(true);
  record.close();
  record.close();
  expect(isWaiting()).toBe(false);
});
