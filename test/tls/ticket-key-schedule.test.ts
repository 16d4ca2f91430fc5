import { describe, expect, it } from 'vitest';
import {
  isScheduled,
  judgeTicketKeys,
  readSchedule,
  renewSchedule,
  type TicketKeySchedule,
  writeSchedule,
} from '../../src/tls/ticket-key-schedule.ts';

const HOUR = 3_600_000;
const T = Date.parse('2026-06-01T12:00:00Z');
const rotateEvery = 12 * HOUR;
const key = (fill: string): Buffer => Buffer.alloc(48, fill);
const [A, B, X] = [key('a'), key('b'), key('x')];
const schedule: TicketKeySchedule = { current: { bytes: A, from: T }, next: { bytes: B, from: T + rotateEvery } };

describe('which key is used, and whether the next one is due', () => {
  it.each([
    ['there is none', undefined, 0, X, 0, undefined, 'afresh', 0],
    ['in its time', schedule, 5 * HOUR, A, 5 * HOUR, 'a', 'no', 7 * HOUR],
    [
      'in its time, found by a process that used another one until now',
      schedule,
      HOUR,
      X,
      90 * HOUR,
      'a',
      'no',
      11 * HOUR,
    ],
    ['written by a clock that is ahead by days', schedule, -90 * HOUR, A, HOUR, 'a', 'no', 11 * HOUR + 300_000],
    ['at the end of its time', schedule, 12 * HOUR - 1, A, 12 * HOUR, 'a', 'no', 1],
    ['when the next one begins', schedule, 12 * HOUR, A, 12 * HOUR, 'b', 'shift', 12 * HOUR],
    ['when the next one is in use, and the clock was set back', schedule, 11 * HOUR, B, HOUR, 'b', 'shift', 13 * HOUR],
    [
      'when the clock was set back and does not get there',
      schedule,
      -90 * HOUR,
      A,
      12 * HOUR + 300_000,
      'b',
      'shift',
      12 * HOUR,
    ],
    ['at the last moment of the next one', schedule, 24 * HOUR - 1, B, 12 * HOUR, 'b', 'shift', 1],
    ['when both are over', schedule, 24 * HOUR, B, 12 * HOUR, undefined, 'afresh', 0],
  ] as const)('%s', (_, known, after, inUse, usedFor, use, renew, wait) => {
    const verdict = judgeTicketKeys({ schedule: known, now: T + after, inUse, usedFor, rotateEvery });
    expect(verdict).toMatchObject({ renew, wait });
    expect(verdict.use?.toString()[0]).toBe(use);
    expect(verdict.why).not.toBe('');
  });
});

describe('what follows', () => {
  const facts = (after: number, known: TicketKeySchedule | undefined = schedule) => ({
    schedule: known,
    now: T + after,
    inUse: X,
    usedFor: HOUR,
    rotateEvery,
  });
  const times = ({ current, next }: TicketKeySchedule): number[] => [current.from - T, next.from - T];
  const C = key('c');

  it('on a key is the one that was published, and a new one; the old one is gone', () => {
    const renewed = renewSchedule(facts(15 * HOUR), 'shift', C);
    expect([renewed.current.bytes, renewed.next.bytes]).toEqual([B, C]);
    expect(times(renewed)).toEqual([12 * HOUR, 24 * HOUR]);
    expect(writeSchedule(renewed).includes(A.toString('base64'))).toBe(false);
    expect([A, B, C].map((one) => isScheduled(renewed, one))).toEqual([false, true, true]);
  });

  it('on a key that was changed early begins now', () => {
    expect(times(renewSchedule(facts(HOUR), 'shift', C))).toEqual([HOUR, 13 * HOUR]);
  });

  it('on nothing, or on what is over, is the own key for the rest of its time, and a new one', () => {
    for (const known of [undefined, schedule]) {
      const renewed = renewSchedule(facts(40 * HOUR, known), 'afresh', C);
      expect([renewed.current.bytes, renewed.next.bytes]).toEqual([X, C]);
      expect(times(renewed)).toEqual([39 * HOUR, 51 * HOUR]);
    }
    expect(isScheduled(undefined, X)).toBe(false);
  });
});

describe('what is stored', () => {
  const text = writeSchedule(schedule).toString();

  it('is read as it was written', () => {
    expect(readSchedule(Buffer.from(text))).toEqual(schedule);
  });

  it.each([
    ['empty', ''],
    ['cut off', text.slice(0, -10)],
    ['no object', 'null'],
    ['a list', '[]'],
    ['no keys', '{}'],
    ['one key only', JSON.stringify({ current: JSON.parse(text).current })],
    ['a key that is too short', text.replace(A.toString('base64'), Buffer.alloc(47).toString('base64'))],
    ['a key that is too long', text.replace(A.toString('base64'), Buffer.alloc(49).toString('base64'))],
    ['the same key twice', text.replace(A.toString('base64'), B.toString('base64'))],
    ['times in the wrong order', text.replace('"2026-06-01', '"2027-06-01')],
    ['a time that is none', text.replace('2026-06-01T12', 'soon')],
    ['far too long', text + ' '.repeat(4_096)],
    ['no UTF-8', Buffer.from([0xff, 0xfe, 0x00])],
  ])('is damaged: %s', (_, damaged) => {
    expect(readSchedule(Buffer.from(damaged))).toBeUndefined();
  });
});
