import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { overwriteLeaseFile } from '../../../src/store/lease-file.ts';

it('whoever owns the folder of a lease cannot have root write into another file', async ({ onTestFinished }) => {
  const folder = mkdtempSync(join(tmpdir(), 'lease-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [victim, lease] = [join(folder, 'passwd'), join(folder, 'generation')];
  writeFileSync(victim, 'root:x:0:0');
  symlinkSync(victim, lease);
  await expect(
    overwriteLeaseFile(lease, { state: 'released', renewals: 1, holder: 'h', host: 'x' }),
  ).rejects.toMatchObject({ code: 'ELOOP' });
  expect(readFileSync(victim, 'utf8')).toBe('root:x:0:0');
});
