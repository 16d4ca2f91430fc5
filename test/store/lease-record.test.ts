import { describe, expect, it } from 'vitest';
import {
  judgeLease,
  type LeaseFacts,
  type LeaseRecord,
  readLeaseRecord,
  writeLeaseRecord,
} from '../../src/store/lease-record.ts';
import { isRunning, type ProcessIdentity, readOwnIdentity } from '../../src/store/process-identity.ts';

const record: LeaseRecord = {
  state: 'held',
  renewals: 0,
  holder: 'h',
  host: 'machine',
  process: { boot: 'b', namespace: 'pid:[1]', pid: 1, started: '2' },
};
const facts: LeaseFacts = { record, unchangedFor: 0, running: undefined, forgotten: false };

describe('the record of a lease', () => {
  it.each([
    record,
    { ...record, state: 'released', renewals: 999_999_999_999 },
    { state: 'held', renewals: 7, holder: '', host: '' },
  ])('is read as it was written: %j', (one) => {
    expect(readLeaseRecord(writeLeaseRecord(one as LeaseRecord).toString())).toEqual(one);
  });

  it('has the same length whatever its holder does, so that it can be overwritten', () => {
    const lengths = [record, { ...record, renewals: 12_345 }, { ...record, state: 'released' as const }].map(
      (one) => writeLeaseRecord(one).length,
    );
    expect(new Set(lengths).size).toBe(1);
  });

  it.each([
    '',
    'held',
    'held     000000000001 {"holder":"h"',
    'taken    000000000001 {}\n',
    'held     000000000001 {,}\n',
  ])('is none when it is not whole: %j', (text) => {
    expect(readLeaseRecord(text)).toBeUndefined();
  });
});

describe('whether a lease may be taken', () => {
  it.each<[string, Partial<LeaseFacts>, boolean]>([
    ['given back', { record: { ...record, state: 'released' } }, true],
    ['given back by a process that runs on', { record: { ...record, state: 'released' }, running: true }, true],
    ['its holder has ended', { running: false }, true],
    ['lost by this process', { forgotten: true, running: true }, true],
    ['renewed just now, on another machine', {}, false],
    ['not renewed for less than 20 s', { unchangedFor: 19_999 }, false],
    ['not renewed for 20 s', { unchangedFor: 20_000 }, true],
    ['not renewed for 20 s, but its holder runs', { unchangedFor: 20_000, running: true }, false],
    ['not renewed for less than 5 min by a process that runs', { unchangedFor: 299_999, running: true }, false],
    ['not renewed for 5 min by a process that runs', { unchangedFor: 300_000, running: true }, true],
    ['unreadable, just now', { record: undefined, running: false }, false],
    ['unreadable for 20 s', { record: undefined, unchangedFor: 20_000 }, true],
  ])('%s: %j', (_, some, free) => {
    const verdict = judgeLease({ ...facts, ...some });
    expect(verdict.free).toBe(free);
    expect(verdict.why).not.toBe('');
  });
});

describe.runIf(process.platform === 'linux')('whether a process runs', () => {
  const own = async (): Promise<ProcessIdentity> => (await readOwnIdentity())!;

  it.each<[string, Partial<ProcessIdentity>, boolean | undefined]>([
    ['this one', {}, true],
    ['one with our number that started earlier', { started: '1' }, false],
    ['one with a number that nobody has', { pid: 4_999_999 }, false],
    ['one in another container', { namespace: 'pid:[1]' }, undefined],
    ['one of another start of a machine', { boot: 'other' }, undefined],
  ])('is known of %s', async (_, some, running) => {
    expect(await isRunning({ ...(await own()), ...some }, await own())).toBe(running);
  });
});
