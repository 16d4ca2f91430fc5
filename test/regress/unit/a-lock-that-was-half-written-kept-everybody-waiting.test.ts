import { existsSync } from 'node:fs';
import { link, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createLeaseFile } from '../../../src/store/lease-file.ts';
import { readLeaseRecord } from '../../../src/store/lease-record.ts';

it('a process that is killed while it takes a lock leaves none that nobody holds', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'half-a-lock-'));
  try {
    const path = join(folder, '.generation-1');
    const record = { state: 'held', renewals: 0, holder: 'me', host: 'here' } as const;
    const seen: unknown[] = [];
    // All that was done by then is what a kill would leave.
    await createLeaseFile(path, record, async (draft, target) => {
      seen.push(existsSync(path), readLeaseRecord(await readFile(draft, 'utf8')));
      await link(draft, target);
    });
    expect(seen).toEqual([false, record]);
    expect(readLeaseRecord(await readFile(path, 'utf8'))).toEqual(record);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
