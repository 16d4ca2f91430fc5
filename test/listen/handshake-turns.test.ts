import { beforeEach, expect, it } from 'vitest';
import { realSystem, type System } from '../../src/base/system.ts';
import { createHandshakeTurns, type HandshakeTurns } from '../../src/listen/handshake-turns.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

let now: number;
let timers: { at: number; run: () => void }[];
let delays: Record<string, number>;
let turns: HandshakeTurns;
beforeEach(() => {
  now = 0;
  timers = [];
  delays = {};
  const system: System = {
    ...realSystem,
    setTimer(ms, run) {
      const timer = { at: now + ms, run };
      timers.push(timer);
      return { cancel: () => void timers.splice(timers.indexOf(timer), 1) } as ReturnType<System['setTimer']>;
    },
  };
  const penalties = { strike() {}, delay: (network: string) => delays[network] ?? 0 };
  turns = createHandshakeTurns({ longestWait: () => 5_000 }, { system, penalties });
});
/** Lets time pass, timer by timer. */
function pass(ms: number): void {
  const end = now + ms;
  for (;;) {
    const [next] = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
    if (next === undefined) break;
    timers.splice(timers.indexOf(next), 1);
    now = next.at;
    next.run();
  }
  now = end;
}

it('who has no penalty begins in the next turn of the loop', async () => {
  let begun = 0;
  for (const network of ['a', 'b']) turns.enter(network, () => void begun++);
  expect([turns.isFree('a'), begun]).toEqual([true, 0]);
  await turn();
  expect(begun).toBe(2);
});

it('those who waited for the same penalty come back one by one, and in rounds of their networks', () => {
  delays = { a: 4_000, b: 4_000 };
  const begun: string[] = [];
  for (let index = 0; index < 100; index++) turns.enter('a', () => void begun.push(`a at ${now}`));
  turns.enter('b', () => void begun.push(`b at ${now}`));
  expect(turns.isFree('a')).toBe(false);
  pass(4_000);
  expect(begun).toEqual([]);
  pass(75);
  expect(begun).toEqual(['a at 4025', 'b at 4050', 'a at 4075']);
  pass(5_000);
  expect(begun).toHaveLength(101);
});

it('a penalty is never longer than the longest wait', () => {
  delays = { a: 60_000 };
  let begun = 0;
  turns.enter('a', () => void begun++);
  pass(5_025);
  expect(begun).toBe(1);
});
