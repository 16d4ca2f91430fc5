import { describe, expect, it } from 'vitest';
import {
  afterGoodAnswer,
  afterTrouble,
  createHealth,
  type Health,
  nameState,
  nextQuestion,
  shareOf,
  type Trouble,
} from '../../src/forward/instance-health.ts';

type Kind = Trouble['kind'];
const suffer = (health: Health, kinds: readonly (Kind | 'good')[], now = 100, last = false): Health =>
  kinds.reduce(
    (one, kind) =>
      kind === 'good' ? afterGoodAnswer(one, now) : afterTrouble(one, { kind, why: `it is ${kind}` }, now, last),
    health,
  );

describe('an instance', () => {
  it.each<[string, readonly (Kind | 'good')[], Health['state']]>([
    ['that cannot be reached is ejected at once', ['unreachable'], 'ejected'],
    ['that says that it is not well is ejected at once', ['unwell'], 'ejected'],
    ['that loses two connections in a row stays', ['lost', 'lost'], 'here'],
    ['that loses three connections in a row is ejected', ['lost', 'lost', 'lost'], 'ejected'],
    ['that answers in between stays', ['lost', 'lost', 'good', 'lost', 'lost'], 'here'],
    ['that leaves one question unanswered stays', ['silent'], 'here'],
    ['that leaves two questions unanswered is ejected', ['silent', 'silent'], 'ejected'],
    ['that answers after one unanswered question stays', ['silent', 'good', 'silent'], 'here'],
    ['of whose trouble nobody knows whose it is stays', ['other', 'other', 'other', 'other'], 'here'],
    ['that answers again is back', ['unreachable', 'good'], 'here'],
  ])('%s', (_, kinds, state) => {
    expect(suffer(createHealth(0, false), kinds).state).toBe(state);
  });

  it.each<[Kind, Health['state']]>([
    ['silent', 'here'],
    ['unreachable', 'ejected'],
    ['unwell', 'ejected'],
    ['lost', 'ejected'],
  ])('that is the last and %s is %s', (kind, state) => {
    expect(suffer(createHealth(0, false), [kind, kind, kind], 100, true).state).toBe(state);
  });

  it('keeps when and why it was ejected, the first time', () => {
    const ejected = suffer(suffer(createHealth(0, false), ['unreachable'], 100), ['unwell'], 200);
    expect(ejected).toMatchObject({ since: 100, why: 'it is unreachable' });
    expect(suffer(ejected, ['good'], 300)).toMatchObject({ since: 300, why: undefined });
  });

  it.each([
    [0, 0.1, 'warming'],
    [2_500, 0.325, 'warming'],
    [5_000, 0.55, 'warming'],
    [9_999, 1, 'warming'],
    [10_000, 1, 'here'],
    [60_000, 1, 'here'],
  ] as const)('that came back %d ms ago has a share of %d and is %s', (ago, share, state) => {
    const back = suffer(createHealth(0, false), ['unreachable', 'good'], 1_000);
    expect(shareOf(back, 1_000 + ago)).toBeCloseTo(share, 2);
    expect(nameState(back, 1_000 + ago)).toBe(state);
  });

  it('that was there from the start has a whole share at once, and one that comes later has not', () => {
    expect([shareOf(createHealth(0, false), 0), shareOf(createHealth(0, true), 0)]).toEqual([1, 0.1]);
  });

  it('that is ejected has no share', () => {
    expect(shareOf(suffer(createHealth(0, false), ['unreachable']), 1e6)).toBe(0);
  });

  it('that comes and goes is asked less and less often, until it has stayed for a while', () => {
    let health = createHealth(0, false);
    let now = 0;
    const delays: number[] = [];
    for (let round = 0; round < 8; round++) {
      health = suffer(health, ['unreachable'], now);
      delays.push(nextQuestion(health));
      now += nextQuestion(health);
      health = suffer(health, ['good'], now);
    }
    expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
    expect(nextQuestion(suffer(health, ['unreachable'], now + 60_000))).toBe(1_000);
  });

  it('that is here is asked every five seconds, and sooner when it is in doubt', () => {
    const health = createHealth(0, false);
    expect([nextQuestion(health), nextQuestion(suffer(health, ['silent']))]).toEqual([5_000, 1_000]);
  });
});
