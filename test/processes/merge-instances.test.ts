import { describe, expect, it } from 'vitest';
import type { InstanceStatus } from '../../src/admin/status.ts';
import { mergeInstances } from '../../src/processes/merge-instances.ts';

const instance = (more: Partial<InstanceStatus> = {}): InstanceStatus => ({
  ...{ place: 'http://a:8008', address: '10.0.0.1', state: 'here', since: '2026-01-01T00:00:00.000Z' },
  ...{ requests_in_flight: 1, why: null },
  ...more,
});
const LATER = '2026-01-02T00:00:00.000Z';

describe('the instances of an upstream, as several processes see them', () => {
  it('are listed once each, with what all of them have under way there', () => {
    const b = instance({ place: 'http://b:8008', address: '10.0.0.2' });
    expect(mergeInstances([[instance({ requests_in_flight: 2 }), b], [instance({ requests_in_flight: 3 })]])).toEqual([
      instance({ requests_in_flight: 5 }),
      b,
    ]);
  });

  it.each([
    ['here', 'ejected', 'ejected'],
    ['ejected', 'warming', 'ejected'],
    ['warming', 'here', 'warming'],
  ] as const)('%s and %s are %s', (a, b, expected) => {
    const ejected = (state: InstanceStatus['state']) => instance({ state, why: state });
    expect(mergeInstances([[ejected(a)], [ejected(b)]])[0]).toMatchObject({ state: expected, why: expected });
  });

  it('are what they are since the first who says so noticed', () => {
    const merged = mergeInstances([[instance({ since: LATER, state: 'ejected' })], [instance({ state: 'ejected' })]]);
    expect(merged[0]?.since).toBe(instance().since);
    expect(mergeInstances([[instance({ since: LATER, state: 'ejected' })], [instance()]])[0]?.since).toBe(LATER);
  });

  it('have an address where one of the processes knows it', () => {
    expect(mergeInstances([[instance({ address: null })], [instance()]])).toEqual([instance()]);
    expect(mergeInstances([[instance({ address: null })]])).toEqual([instance({ address: null })]);
  });
});
