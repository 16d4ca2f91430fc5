import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createLeaseFile, isDraft } from '../../src/store/lease-file.ts';
import { writeLeaseRecord } from '../../src/store/lease-record.ts';

const record = { state: 'held', renewals: 0, holder: 'me', host: 'here' } as const;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lease-file-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const refusing = (code: string) => async (): Promise<void> => {
  throw Object.assign(new Error('made up'), { code });
};

it.each([
  ['that knows links', undefined],
  ['that knows none', 'EPERM'],
  ['whose driver lacks them', 'ENOSYS'],
])("is whole, its owner's alone, and made by one only, on a file system %s", async (_which, code) => {
  const path = join(folder, '.generation-1');
  const makeLink = code === undefined ? undefined : refusing(code);
  expect(await createLeaseFile(path, record, makeLink)).toBe(true);
  expect(await createLeaseFile(path, { ...record, holder: 'other' }, makeLink)).toBe(false);
  expect(await readFile(path)).toEqual(writeLeaseRecord(record));
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(folder)).toEqual(['.generation-1']);
});

it('is not made, and leaves nothing, where the file system fails', async () => {
  await expect(createLeaseFile(join(folder, '.generation-1'), record, refusing('EIO'))).rejects.toThrow('made up');
  expect(await readdir(folder)).toEqual([]);
});

it('is not made when somebody else has won and cleared away what was begun', async () => {
  const path = join(folder, '.generation-1');
  const seen: string[] = [];
  const made = await createLeaseFile(path, record, async () => {
    seen.push(...(await readdir(folder)));
    await refusing('ENOENT')();
  });
  expect(made).toBe(false);
  expect(seen.filter(isDraft)).toHaveLength(1);
  expect(await readdir(folder)).toEqual([]);
});
