import { expect, it } from 'vitest';
import type { ProcessStatus, ReadinessCheck } from '../../src/admin/status.ts';
import { mergeReadiness } from '../../src/processes/merge-readiness.ts';

const check = (name: string, ok: boolean, detail = `${name} ${ok}`): ReadinessCheck => ({ name, ok, detail });
const process = (slot: number, state: ProcessStatus['state']): ProcessStatus => ({
  ...{ slot, state, pid: 1, uptime_seconds: 1, restarts: 0 },
});
const BOTH = [process(1, 'serving'), process(2, 'serving')];
const merge = (parts: readonly (readonly ReadinessCheck[])[], processes: readonly ProcessStatus[] = BOTH) =>
  mergeReadiness(
    parts.map((checks, index) => ({ slot: index + 1, readiness: { ready: checks.every(({ ok }) => ok), checks } })),
    processes,
  );
const serve = (detail: string, ok = true): ReadinessCheck => ({ name: 'processes', ok, detail });

it('is what all say', () => {
  expect(merge([[check('a', true)], [check('a', true, 'in other words')]])).toEqual({
    ready: true,
    checks: [check('a', true), serve('2 of 2 serve')],
  });
  expect(merge([[check('a', false)], [check('a', false)]])).toEqual({
    ready: false,
    checks: [check('a', false), serve('2 of 2 serve')],
  });
});

it.each([
  [[[check('a', true)], [check('a', false)]], 2],
  [[[check('a', false)], [check('a', true)]], 1],
  [[[], [check('a', false)]], 2],
])('fails where one process says so, and names it (%#)', (parts, slot) => {
  expect(merge(parts)).toEqual({
    ready: false,
    checks: [check('a', false, `in process ${slot}: a false`), serve('2 of 2 serve')],
  });
});

it.each<[ProcessStatus[], string, boolean]>([
  [[process(1, 'serving'), process(2, 'starting')], '1 of 2 serve; process 2 is being started', true],
  [[process(1, 'serving'), process(2, 'silent')], '1 of 2 serve; process 2 does not answer in time', true],
  [[process(1, 'serving'), process(1, 'draining')], '1 of 1 serve', true],
  [[process(1, 'starting')], '0 of 1 serve; process 1 is being started', false],
])('says who is missing, which does no harm while others serve (%#)', (processes, detail, ok) => {
  expect(merge([[check('a', true)]], processes)).toEqual({ ready: ok, checks: [check('a', true), serve(detail, ok)] });
});
