import { describe, expect, it } from 'vitest';
import { createHold, type Hold, type HoldReport } from '../../src/forward/hold.ts';
import { createManualSystem } from '../tls/manual-system.ts';

function setUp(most = 100) {
  const system = createManualSystem(0, () => new Promise((resolve) => void setImmediate(resolve)));
  let answers = false;
  let probes = 0;
  const away: string[] = [];
  const back: HoldReport[] = [];
  const hold = createHold(
    { most },
    {
      system,
      probe: async () => {
        probes++;
        return answers;
      },
      onAway: (why) => void away.push(why),
      onBack: (report) => void back.push(report),
    },
  );
  const outcomes: string[] = [];
  const ends = { released: '', expired: ' in vain', moved: ' elsewhere' };
  const wait = (name: string, patience = 50_000, isMoved?: () => boolean) =>
    hold.wait(patience, (end) => void outcomes.push(`${name}${ends[end]}`), {
      ...(isMoved === undefined ? {} : { isMoved }),
    });
  return {
    system,
    hold,
    away,
    back,
    outcomes,
    wait,
    probes: () => probes,
    answer(yes: boolean) {
      answers = yes;
    },
  };
}

describe('holding requests while the homeserver is away', () => {
  it('asks nobody, and lets everything pass, while it is here', async () => {
    const { system, hold, probes } = setUp();
    await system.advance(600_000);
    expect([hold.away, probes(), hold.status.awaySince]).toEqual([false, 0, undefined]);
  });

  it('lets requests go in the order in which they came once it answers', async () => {
    const { system, hold, wait, answer, outcomes, back } = setUp();
    hold.lost('refused');
    for (const name of ['a', 'b', 'c']) wait(name);
    await system.advance(1_000);
    expect([hold.away, outcomes]).toEqual([true, []]);
    answer(true);
    await system.advance(300);
    expect(outcomes).toEqual(['a', 'b', 'c']);
    expect(hold.away).toBe(false);
    expect(back).toEqual([{ away: expect.any(Number), saved: 3, expired: 0 }]);
    expect(back[0]!.away).toBeGreaterThanOrEqual(1_000);
  });

  it('lets a crowd go a few at first and then more and more', async () => {
    const { system, hold, wait, answer, outcomes } = setUp(1_000);
    hold.lost('refused');
    for (let index = 0; index < 500; index++) wait(`${index}`);
    answer(true);
    const sizes: number[] = [];
    for (let last = 0; outcomes.length < 500; last = outcomes.length) {
      await system.advance(50);
      if (outcomes.length > last) sizes.push(outcomes.length - last);
    }
    expect(sizes.slice(0, 5)).toEqual([4, 6, 9, 14, 21]);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(64);
    expect(outcomes).toEqual(Array.from({ length: 500 }, (_, index) => `${index}`));
  });

  it('puts what comes during the release at the end of the queue', async () => {
    const { system, hold, wait, answer, outcomes } = setUp();
    hold.lost('refused');
    for (let index = 0; index < 10; index++) wait(`${index}`);
    answer(true);
    await system.advance(250);
    expect([outcomes.length, hold.away]).toEqual([4, true]);
    wait('late');
    await system.advance(500);
    expect(outcomes.at(-1)).toBe('late');
  });

  it('keeps the rest waiting when it is lost again during the release', async () => {
    const { system, hold, wait, answer, outcomes } = setUp();
    hold.lost('refused');
    for (let index = 0; index < 10; index++) wait(`${index}`);
    answer(true);
    await system.advance(250);
    answer(false);
    hold.lost('refused');
    await system.advance(5_000);
    expect(outcomes).toHaveLength(4);
    answer(true);
    await system.advance(5_000);
    expect(outcomes).toHaveLength(10);
  });

  it('tells each request that its time is over, and how many there were', async () => {
    const { system, hold, wait, answer, outcomes, back } = setUp();
    hold.lost('refused');
    wait('key', 8_000);
    wait('send', 50_000);
    await system.advance(9_000);
    expect(outcomes).toEqual(['key in vain']);
    answer(true);
    await system.advance(1_000);
    expect(outcomes).toEqual(['key in vain', 'send']);
    expect(back).toEqual([{ away: expect.any(Number), saved: 1, expired: 1 }]);
  });

  it('holds no more than it may', () => {
    const { hold, wait } = setUp(2);
    hold.lost('refused');
    expect([wait('a') === undefined, wait('b') === undefined, wait('c') === undefined]).toEqual([false, false, true]);
    expect(hold.status).toMatchObject({ waiting: 2, refused: 1 });
  });

  it('forgets a request that leaves', async () => {
    const { system, hold, wait, answer, outcomes } = setUp();
    hold.lost('refused');
    const leave = wait('a');
    wait('b');
    leave?.();
    answer(true);
    await system.advance(60_000);
    expect(outcomes).toEqual(['b']);
  });

  it('asks a homeserver that comes and goes less and less often', async () => {
    const { system, hold, answer, probes, away } = setUp();
    answer(true);
    hold.lost('refused');
    for (let lost = 0; lost < 8; lost++) {
      while (hold.away) await system.advance(50);
      hold.lost('refused');
    }
    const before = probes();
    await system.advance(4_000);
    expect(probes() - before).toBeLessThanOrEqual(1);
    expect(away).toHaveLength(9);
  });

  it('asks anew when an answer is slow, and takes a late yes for what it is', async () => {
    const system = createManualSystem(0, () => new Promise((resolve) => void setImmediate(resolve)));
    const asked: ((answered: boolean) => void)[] = [];
    const back: HoldReport[] = [];
    const hold = createHold(
      { most: 10 },
      {
        system,
        probe: () => new Promise<boolean>((resolve) => void asked.push(resolve)),
        onBack: (report) => void back.push(report),
      },
    );
    hold.lost('refused');
    await system.advance(6_900);
    expect(asked).toHaveLength(3);
    // No more than three are open at once.
    await system.advance(10_000);
    expect(asked).toHaveLength(3);
    asked[1]!(false);
    await system.advance(600);
    expect([asked.length, hold.away]).toEqual([4, true]);
    asked[0]!(true);
    await system.advance(20_000);
    expect([asked.length, hold.away, back.length]).toEqual([4, false, 1]);
    asked[2]!(true);
    await system.advance(100);
    expect(back).toHaveLength(1);
  });

  it('asks one that has been away for long once a second, and no more than that', async () => {
    const { system, hold, probes } = setUp();
    hold.lost('refused');
    await system.advance(62_000);
    const before = probes();
    await system.advance(10_000);
    expect(probes() - before).toBeGreaterThanOrEqual(9);
    expect(probes() - before).toBeLessThanOrEqual(11);
  });

  it('lets everything go when it is closed, and asks no more', async () => {
    const { system, hold, wait, outcomes, probes } = setUp();
    hold.lost('refused');
    wait('a');
    hold.close();
    hold.close();
    expect(outcomes).toEqual(['a elsewhere']);
    expect(wait('b')).toBeUndefined();
    await system.advance(10_000);
    expect(probes()).toBe(0);
  });

  it('gives a crowd from elsewhere their turns while it is here, and tells no return that was none', async () => {
    const { system, hold, wait, outcomes, back, probes } = setUp(1_000);
    for (let index = 0; index < 40; index++) wait(`${index}`);
    expect(outcomes).toEqual([]);
    await system.advance(1);
    expect(outcomes.length).toBe(4);
    expect(hold.away).toBe(true);
    await system.advance(50);
    expect(outcomes.length).toBe(10);
    await system.advance(300);
    expect(outcomes).toEqual(Array.from({ length: 40 }, (_, index) => `${index}`));
    expect([hold.away, back, probes()]).toEqual([false, [], 0]);
  });

  it('keeps the rest of a crowd from elsewhere when the first of them find nobody', async () => {
    const { system, hold, wait, answer, outcomes, back } = setUp(1_000);
    for (let index = 0; index < 10; index++) wait(`${index}`);
    await system.advance(1);
    hold.lost('refused');
    await system.advance(2_000);
    expect(outcomes.length).toBe(4);
    answer(true);
    await system.advance(1_000);
    expect([outcomes.length, hold.away, back.length]).toEqual([10, false, 1]);
  });

  it('lets go of those who are to go elsewhere by another configuration, and of them alone', async () => {
    const { hold, wait, outcomes } = setUp();
    hold.lost('refused');
    wait('a');
    wait('b', 50_000, () => true);
    wait('c', 50_000, () => false);
    hold.review();
    expect(outcomes).toEqual(['b elsewhere']);
    expect(hold.status.waiting).toBe(2);
  });
});

it('holds that share a room hold no more together than it has places', async () => {
  const system = createManualSystem(0, () => new Promise((resolve) => void setImmediate(resolve)));
  const room = { waiting: 0 };
  let answers = false;
  const [one, other] = [1, 2].map(() => createHold({ most: 3, room }, { system, probe: async () => answers })) as [
    Hold,
    Hold,
  ];
  for (const hold of [one, other]) hold.lost('gone');
  const settled: string[] = [];
  const wait = (hold: Hold, patience = 50_000) => hold.wait(patience, (end) => void settled.push(end));
  const leave = wait(one);
  expect([leave, wait(one, 1_000), wait(other)].every((each) => each !== undefined)).toBe(true);
  expect([wait(one), wait(other), room.waiting]).toEqual([undefined, undefined, 3]);
  leave?.();
  leave?.();
  expect([room.waiting, one.status.waiting, other.status.waiting]).toEqual([2, 1, 1]);
  await system.advance(1_500);
  expect([room.waiting, settled]).toEqual([1, ['expired']]);
  expect(wait(one)).toBeDefined();
  answers = true;
  await system.advance(10_000);
  expect([room.waiting, settled]).toEqual([0, ['expired', 'released', 'released']]);
  one.close();
  other.close();
});
