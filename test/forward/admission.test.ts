import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AdmissionSlice, createAdmission } from '../../src/forward/admission.ts';

function setUp(slice: Partial<AdmissionSlice> = {}) {
  const admission = createAdmission({ perKey: 2, total: 3, waitingPerKey: 2, waiting: 3, ...slice });
  const started: string[] = [];
  const enter = (key: string, name: string) => admission.enter(key, () => void started.push(name));
  return { admission, started, enter };
}

describe('who may go on', () => {
  it('is everybody while there is room', () => {
    const { enter, started } = setUp();
    enter('a', 'a1');
    enter('a', 'a2');
    enter('b', 'b1');
    expect(started).toEqual(['a1', 'a2', 'b1']);
  });

  it('is nobody of a key that has its share, while others go on', () => {
    const { enter, started, admission } = setUp();
    for (const name of ['a1', 'a2', 'a3', 'a4']) enter('a', name);
    enter('b', 'b1');
    expect(started).toEqual(['a1', 'a2', 'b1']);
    expect(admission.status).toEqual({ running: 3, waiting: 2, refused: 0 });
    expect(enter('a', 'a5')).toBeUndefined();
    expect(admission.status.refused).toBe(1);
  });

  it('is whoever waited longest, key by key in turn', () => {
    const { enter, started } = setUp({ perKey: 10, total: 1, waitingPerKey: 10, waiting: 10 });
    const leave = enter('a', 'a1')!;
    const waiting = [enter('a', 'a2'), enter('a', 'a3'), enter('b', 'b1'), enter('c', 'c1'), enter('b', 'b2')];
    leave();
    const after: Record<string, () => void> = {
      a2: waiting[0]!,
      a3: waiting[1]!,
      b1: waiting[2]!,
      c1: waiting[3]!,
      b2: waiting[4]!,
    };
    while (started.length < 6) after[started.at(-1)!]!();
    expect(started).toEqual(['a1', 'a2', 'b1', 'c1', 'a3', 'b2']);
  });

  it('is not who left while waiting', () => {
    const { enter, started, admission } = setUp({ perKey: 1 });
    const first = enter('a', 'a1')!;
    const second = enter('a', 'a2')!;
    enter('a', 'a3');
    second();
    second();
    first();
    first();
    expect(started).toEqual(['a1', 'a3']);
    expect(admission.status).toEqual({ running: 1, waiting: 0, refused: 0 });
  });

  it('is counted right, whatever happens in whatever order', () => {
    const slice = { perKey: 3, total: 5, waitingPerKey: 4, waiting: 9 };
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(5), fc.nat(20), fc.boolean()), { maxLength: 200 }), (steps) => {
        const admission = createAdmission(slice);
        const inside = new Map<number, { key: string; running: boolean; leave: () => void }>();
        let id = 0;
        for (const [key, which, enters] of steps) {
          if (enters) {
            const entry = { key: `k${key}`, running: false, leave: () => {} };
            const leave = admission.enter(entry.key, () => {
              entry.running = true;
            });
            if (leave !== undefined)
              inside.set(id++, {
                ...entry,
                leave,
                get running() {
                  return entry.running;
                },
              });
          } else {
            const [at] = [...inside.keys()].slice(which % Math.max(1, inside.size));
            if (at !== undefined) {
              const { leave } = inside.get(at)!;
              inside.delete(at);
              leave();
            }
          }
          const all = [...inside.values()];
          const running = all.filter((one) => one.running);
          expect(admission.status).toMatchObject({ running: running.length, waiting: all.length - running.length });
          expect(running.length).toBeLessThanOrEqual(slice.total);
          for (let k = 0; k <= 5; k++) {
            const own = all.filter((one) => one.key === `k${k}`);
            expect(own.filter((one) => one.running).length).toBeLessThanOrEqual(slice.perKey);
            // Nobody waits without a reason.
            if (own.some((one) => !one.running) && running.length < slice.total)
              expect(own.filter((one) => one.running)).toHaveLength(slice.perKey);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('leaves nothing behind of keys that have gone', () => {
    const { enter, admission } = setUp();
    for (let index = 0; index < 1000; index++) enter(`k${index}`, 'x')?.();
    expect(admission.status).toEqual({ running: 0, waiting: 0, refused: 0 });
  });
});
