import { describe, expect, it } from 'vitest';
import { decideRepeat, type FailureFacts } from '../../src/forward/decide-repeat.ts';

const NOTHING: FailureFacts = {
  unsent: false,
  lost: false,
  untouched: true,
  repeatable: true,
  losses: 0,
  other: false,
  moved: false,
};
const decide = (facts: Partial<FailureFacts>): string => {
  const repeat = decideRepeat({ ...NOTHING, ...facts });
  return repeat.do === 'away' ? `away, ${repeat.wait ? 'waits' : 'fails'}` : repeat.do;
};

describe('a request that failed before its answer began', () => {
  it.each<[string, Partial<FailureFacts>, string]>([
    ['could not be sent to the only instance', { unsent: true }, 'away, waits'],
    ['… and a part of its body is gone', { unsent: true, untouched: false, repeatable: false }, 'away, fails'],
    ['could not be sent to one of several', { unsent: true, other: true }, 'again'],
    ['… though it must not be done twice', { unsent: true, other: true, repeatable: false }, 'again'],
    ['… and a part of its body is gone', { unsent: true, other: true, untouched: false, repeatable: false }, 'fail'],
    ['was lost once', { lost: true, losses: 1 }, 'again'],
    ['was lost twice', { lost: true, losses: 2 }, 'ask'],
    ['was lost twice, and another instance is here', { lost: true, losses: 2, other: true }, 'again'],
    ['was lost three times: it may be what kills them', { lost: true, losses: 3, other: true }, 'fail'],
    ['was lost and must not be done twice', { lost: true, losses: 1, other: true, repeatable: false }, 'fail'],
    ['could not be sent, and a reload says that it is elsewhere', { unsent: true, moved: true }, 'again'],
    [
      '… and a part of its body is gone',
      { unsent: true, moved: true, untouched: false, repeatable: false },
      'away, fails',
    ],
    ['was lost twice, and a reload says that it is elsewhere', { lost: true, losses: 2, moved: true }, 'again'],
    ['… and must not be done twice', { lost: true, losses: 1, moved: true, repeatable: false }, 'fail'],
    ['was lost three times, and a reload says that it is elsewhere', { lost: true, losses: 3, moved: true }, 'fail'],
    ['was not answered in time', { other: true, moved: true }, 'fail'],
  ])('%s', (_, facts, expected) => {
    expect(decide(facts)).toBe(expected);
  });
});
