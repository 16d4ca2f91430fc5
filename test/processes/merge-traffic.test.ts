import { expect, it } from 'vitest';
import { mergeTraffic } from '../../src/processes/merge-traffic.ts';

const record = (from: number, requests: number[], more = {}) => ({
  step_seconds: 5,
  from: new Date(Date.UTC(2026, 0, 1) + from * 1_000).toISOString(),
  steps: requests.length,
  series: [{ surface: 'client', status: '2xx', requests }],
  ...more,
});
const sums = (...all: ReturnType<typeof record>[]) => mergeTraffic(all).series.map(({ requests }) => requests);

it.each([
  ['the same steps are added up', [record(0, [1, 2, 3]), record(0, [10, 20, 30])], [[11, 22, 33]]],
  [
    'one that told earlier is moved to where it belongs',
    [record(0, [1, 2, 3]), record(5, [10, 20, 30])],
    [[12, 23, 30]],
  ],
  ['what is too old is forgotten', [record(0, [1, 2, 3]), record(60, [0, 0, 1])], [[0, 0, 1]]],
  ['where nothing is left there is no series', [record(0, [1, 2, 3]), record(60, [0, 0, 0])], []],
  [
    'other steps, of another release, are left out',
    [record(5, [1, 1, 1]), record(0, [9, 9], { step_seconds: 10 })],
    [[1, 1, 1]],
  ],
])('%s', (_, all, expected) => {
  expect(sums(...all)).toEqual(expected);
});

it('surfaces and statuses stay apart', () => {
  const other = record(0, [5, 5, 5], { series: [{ surface: 'client', status: '5xx', requests: [0, 1, 0] }] });
  expect(mergeTraffic([record(0, [1, 1, 1]), other]).series).toEqual([
    { surface: 'client', status: '2xx', requests: [1, 1, 1] },
    { surface: 'client', status: '5xx', requests: [0, 1, 0] },
  ]);
});
