import { describe, expect, it } from 'vitest';
import { type Absence, judgeAbsence, noteAbsence, UNKNOWN_ABSENCE } from '../../src/app/judge-absence.ts';

const LOOK = 30_000;

/** One look every half minute: `x` away, `.` here. What is judged after each. */
function follow(looks: string): string {
  let absence: Absence = UNKNOWN_ABSENCE;
  return [...looks]
    .map((look, index) => {
      absence = noteAbsence(absence, look === '.', index * LOOK);
      return { here: 'h', down: 'D', unsure: '?' }[judgeAbsence(absence, index * LOOK)];
    })
    .join('');
}

describe('an absence', () => {
  it.each([
    ['one that is there is so after a minute', '.....', '??hhh'],
    ['a restart is nothing to tell', '...xxxxx....', '??h???????hh'],
    ['five minutes are long', '...xxxxxxxxxxxxx', '??h??????????DDD'],
    ['and over when it was back for a minute', '...xxxxxxxxxxx....', '??h??????????DDDhh'],
    ['one that comes and goes is away', '...xx.xx.xx.xx.xx.x', '??h??????????DDDDDD'],
    ['whoever begins in the middle knows after five minutes', 'xxxxxxxxxxxx', '??????????DD'],
    ['a short return does not end it', 'xxxxxxxxxxx.x.xx..xx', '??????????DDDDDDDDDD'],
  ])('%s', (_what, looks, expected) => {
    expect(follow(looks)).toBe(expected);
  });
});
