import { describe, expect, it } from 'vitest';
import { isDue, type LookRecord, noteLook, readLookRecord, type Seen, standingOf } from '../../src/app/look-record.ts';

const MINUTE = 60_000;
const bad = (sure: boolean): Seen => ({ kind: 'bad', message: 'It is wrong.', fix: 'Do it.', sure });
const SEEN: Readonly<Record<string, Seen>> = {
  '.': { kind: 'good' },
  X: bad(true),
  x: bad(false),
  '?': { kind: 'unsure' },
};

/** Looks at their time; after each, how it stands and the minutes until the next. */
function follow(looks: string): string[] {
  let record: LookRecord | undefined;
  return [...looks].map((look) => {
    record = noteLook(record, SEEN[look]!, record?.next ?? 1_000, 0.5);
    return `${standingOf(record)} ${(record.next - record.at) / MINUTE}`;
  });
}

describe('what is known after looks from outside', () => {
  it.each([
    ['all is well', '...', ['unsure 60', 'good 60', 'good 60']],
    ['one bad look is looked at again', '..X.', ['unsure 60', 'good 60', 'unsure 5', 'unsure 60']],
    ['two in a row hold, and then it is looked at more often', 'XXX', ['unsure 5', 'bad 15', 'bad 15']],
    ['two good ones in a row end it', 'XX..', ['unsure 5', 'bad 15', 'bad 5', 'good 60']],
    ['what flaps stays', 'XX.X.X', ['unsure 5', 'bad 15', 'bad 5', 'bad 15', 'bad 5', 'bad 15']],
    ['what may only look so from here never counts', 'xxx', ['unsure 60', 'unsure 60', 'unsure 60']],
    ['but where it was good once', '.xx', ['unsure 60', 'unsure 5', 'bad 15']],
    ['who cannot tell changes nothing', 'XX??..', ['unsure 5', 'bad 15', 'bad 15', 'bad 15', 'bad 5', 'good 60']],
  ])('%s', (_what, looks, expected) => {
    expect(follow(looks)).toEqual(expected);
  });

  it('is since the first of the bad looks', () => {
    const first = noteLook(undefined, bad(true), 1_000, 0);
    const second = noteLook(first, bad(true), 2_000, 0);
    expect(second.trouble).toEqual({ message: 'It is wrong.', fix: 'Do it.', since: 1_000 });
    expect(noteLook(second, bad(true), 3_000, 0).trouble?.since).toBe(1_000);
  });

  it('has the next look a tenth sooner or later', () => {
    expect([0, 1].map((chance) => noteLook(undefined, { kind: 'good' }, 0, chance).next / MINUTE)).toEqual([54, 66]);
  });

  it('is due where nothing is known, when its time has come, or where a wrong clock wrote it', () => {
    const record = noteLook(undefined, { kind: 'good' }, 1_000, 0.5);
    expect(
      [undefined, record, record, record].map((one, index) => isDue(one, [0, 2_000, record.next, 500][index]!)),
    ).toEqual([true, false, true, true]);
  });

  it('is the same after it was kept, and none where that is damaged', () => {
    const record = noteLook(noteLook(undefined, bad(true), 1, 0.5), bad(true), 2, 0.5);
    expect(readLookRecord(Buffer.from(JSON.stringify(record)))).toEqual(record);
    for (const damaged of ['', '{', 'null', '[]', '{"at":"x"}'])
      expect(readLookRecord(Buffer.from(damaged))).toBeUndefined();
    const odd = { ...record, trouble: { message: 1 }, badSince: 'x' };
    expect(readLookRecord(Buffer.from(JSON.stringify(odd)))).toMatchObject({ trouble: null, badSince: null });
  });
});
