import { describe, expect, it } from 'vitest';
import type { InstanceStatus, Status } from '../../src/admin/status.ts';
import { mergeStatus } from '../../src/processes/merge-status.ts';
import { certificate, server, status } from '../admin/made-status.ts';

const WHOLE = { uptime_seconds: 100, draining: false, processes: [] };
const NOBODY = { traffic: [], saved: { by: {}, held: {} } };
const merge = (...parts: (Partial<Status> & { leaving?: boolean })[]): Status | undefined =>
  mergeStatus(
    parts.map(({ leaving = false, ...more }) => ({ leaving, status: status(more) })),
    WHOLE,
    NOBODY,
  );

describe('the status of several processes', () => {
  it('is none where nobody told any', () => expect(merge()).toBeUndefined());

  it('is that of the first that stays, with what is known of the whole', () => {
    expect(merge({ version: '1', leaving: true }, { version: '2' })).toMatchObject({
      version: '2',
      uptime_seconds: 100,
    });
    expect(merge({ version: '1', leaving: true })).toMatchObject({ version: '1' });
  });

  it('has each warning once, as the first one to notice has it, the oldest first', () => {
    const warning = (id: string, since: string) => {
      return { id, about: 'homeserver', level: 'down', since, sentence: 'It is down.', fix: null };
    };
    const merged = merge(
      { warnings: [warning('b', '2026-01-03')] },
      { warnings: [warning('a', '2026-01-02'), warning('b', '2026-01-01')] },
      { warnings: [warning('gone', '2025-01-01')], leaving: true },
    );
    expect(merged?.warnings).toEqual([warning('b', '2026-01-01'), warning('a', '2026-01-02')]);
  });

  it('adds up what is under way and what waits, also in those that leave', () => {
    const merged = merge(
      { requests_in_flight: 2, servers: [server('a.test', { requests_held: 1 })] },
      { requests_in_flight: 3, servers: [server('a.test', { requests_held: 4 })] },
      { requests_in_flight: 5, servers: [server('a.test', { requests_held: 2 }), server('gone.test')], leaving: true },
    );
    expect(merged?.requests_in_flight).toBe(10);
    expect(merged?.servers).toEqual([server('a.test', { requests_held: 7 })]);
  });

  it('says the worst of each worker, pool by pool', () => {
    const instance = (state: 'here' | 'ejected'): InstanceStatus => ({
      ...{
        place: 'http://w',
        address: 'w',
        state,
        since: '2027-01-01T00:00:00.000Z',
        requests_in_flight: 2,
        why: null,
      },
    });
    const of = (state: 'here' | 'ejected') => ({ workers: [{ pool: 'sync', instances: [instance(state)] }] });
    const merged = merge({ servers: [server('a.test', of('here'))] }, { servers: [server('a.test', of('ejected'))] });
    expect(merged?.servers[0]?.workers).toEqual([
      { pool: 'sync', instances: [{ ...instance('ejected'), requests_in_flight: 4 }] },
    ]);
  });

  it.each([
    [null, null, null],
    [null, 3, 3],
    [10, 3, 10],
  ])('says that a homeserver is away from when the first noticed: %s, %s', (a, b, expected) => {
    const away = (away_seconds: number | null) => ({ servers: [server('a.test', { away_seconds })] });
    expect(merge(away(a), away(b), { ...away(99), leaving: true })?.servers[0]?.away_seconds).toBe(expected);
  });

  it('has each certificate once, wherever a process has it from, with what is known of the next', () => {
    const other = { at: null, why: 'Another one orders it.' };
    const next = { at: '2026-11-30T00:00:00.000Z', why: 'It is due.' };
    const old = { at: '2026-01-01T00:00:00.000Z', ok: false, what: 'failed' };
    const latest = { at: '2026-02-01T00:00:00.000Z', ok: true, what: 'issued' };
    const merged = merge(
      { certificates: [certificate({ next_attempt: other, last_result: latest })] },
      {
        certificates: [
          certificate({ origin: 'store', next_attempt: next, last_result: old }),
          certificate({ names: ['b'] }),
        ],
      },
    );
    expect(merged?.certificates).toEqual([
      certificate({ next_attempt: next, last_result: latest }),
      certificate({ names: ['b'] }),
    ]);
  });

  it('has every certificate that any process serves, and two of one process that are alike', () => {
    const before = certificate({ not_after: '2026-12-01T00:00:00.000Z', level: 'at-risk' });
    const twins = [certificate({ origin: 'one file' }), certificate({ origin: 'another file' })];
    expect(merge({ certificates: [before] }, { certificates: [certificate()] })?.certificates).toHaveLength(2);
    expect(merge({ certificates: twins }, { certificates: twins })?.certificates).toEqual(twins);
  });

  it.each([
    ['nobody', [0, 0, null], [0, 0, null], [0, 0, null]],
    ['one address at one process', [3, 1, '1.1.1.1'], [0, 0, null], [3, 1, '1.1.1.1']],
    ['the same at both', [3, 1, '1.1.1.1'], [2, 1, '1.1.1.1'], [5, 1, '1.1.1.1']],
    ['one at each', [3, 1, '1.1.1.1'], [2, 1, '2.2.2.2'], [5, 2, null]],
    ['several', [30, 8, null], [2, 1, '2.2.2.2'], [32, 8, null]],
  ] as const)('says of how many clients it knows: %s', (_name, a, b, [connections, distinct, only]) => {
    const clients = ([c, d, o]: readonly [number, number, string | null]) => ({
      clients: { connections: c, distinct: d, only: o },
    });
    expect(merge(clients(a), clients(b))?.clients).toEqual({ connections, distinct, only });
  });
});
