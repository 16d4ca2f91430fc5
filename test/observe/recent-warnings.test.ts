import { expect, it } from 'vitest';
import { realSystem } from '../../src/base/system.ts';
import { createRecentWarnings, mergeLogged } from '../../src/observe/recent-warnings.ts';
import { createRecordingLog } from '../tls/recording-log.ts';

function setUp() {
  const clock = { now: Date.UTC(2026, 0, 1) };
  const log = createRecordingLog();
  return {
    clock,
    written: log,
    warnings: createRecentWarnings({ log, system: { ...realSystem, now: () => clock.now } }),
  };
}

it('what the log warned of is remembered, the newest first, with its code and its fix', () => {
  const { warnings, clock, written } = setUp();
  warnings.log.info({}, 'Serving.');
  warnings.log.warn({ code: 'descriptors-few', hint: 'Raise it.' }, 'Few descriptors.');
  clock.now += 1_000;
  warnings.log.error({ id: 'certificate-expired', fix: 'Renew.' }, 'It has expired.');
  expect(warnings.describe()).toEqual([
    {
      ...{ level: 'error', code: 'certificate-expired', what: 'It has expired.', fix: 'Renew.', times: 1 },
      ...{ first_at: '2026-01-01T00:00:01.000Z', last_at: '2026-01-01T00:00:01.000Z' },
    },
    {
      ...{ level: 'warning', code: 'descriptors-few', what: 'Few descriptors.', fix: 'Raise it.', times: 1 },
      ...{ first_at: '2026-01-01T00:00:00.000Z', last_at: '2026-01-01T00:00:00.000Z' },
    },
  ]);
  expect([written.at('info').length, written.at('warn').length, written.at('error').length]).toEqual([1, 1, 1]);
});

it('what is said again is one, with how often', () => {
  const { warnings, clock } = setUp();
  warnings.log.warn({}, 'a');
  warnings.log.warn({}, 'b');
  clock.now += 60_000;
  warnings.log.warn({}, 'a');
  expect(warnings.describe().map(({ what, times }) => [what, times])).toEqual([
    ['a', 2],
    ['b', 1],
  ]);
  expect(warnings.describe()[0]).toMatchObject({
    first_at: '2026-01-01T00:00:00.000Z',
    last_at: '2026-01-01T00:01:00.000Z',
  });
});

it('it is bounded in number and length, whatever is logged; requests have their own lines', () => {
  const { warnings } = setUp();
  for (let index = 0; index < 10_000; index++) warnings.log.warn({}, `${index} ${'x'.repeat(5_000)}\ud800`);
  warnings.log.warn({ path: '/' }, 'request');
  const all = warnings.describe();
  expect([all.length, all[0]?.what.startsWith('9999 ')]).toEqual([20, true]);
  expect(JSON.stringify(all).length).toBeLessThan(20 * 1_000);
});

it('secrets do not stand there', () => {
  const { warnings } = setUp();
  warnings.log.warn({ hint: 'Bearer syt_YWxpY2U_abcdefgh' }, 'It refused access_token=syt_YWxpY2U_abcdefgh.');
  expect(JSON.stringify(warnings.describe())).not.toContain('YWxpY2U');
});

it('of several processes the same is one, and the newest are left', () => {
  const one = (what: string, minute: number, times = 1) => ({
    ...{ level: 'warning' as const, code: null, fix: null, what, times },
    ...{ first_at: `2026-01-01T00:0${minute}:00Z`, last_at: `2026-01-01T00:0${minute}:00Z` },
  });
  const merged = mergeLogged([[one('a', 3, 2), one('b', 1)], [one('a', 2)], []]);
  expect(merged).toEqual([{ ...one('a', 3, 3), first_at: '2026-01-01T00:02:00Z' }, one('b', 1)]);
  const many = Array.from({ length: 50 }, (_, index) => one(`w${index}`, 0));
  expect(mergeLogged([many])).toHaveLength(20);
});
