import { constants } from 'node:fs';
import { link, open, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errorCode } from '../base/errors.ts';
import { giveToOwner, unlessMissing } from './durable-folder.ts';
import { type LeaseRecord, writeLeaseRecord } from './lease-record.ts';

/** The name, with the holder's, of what is about to become the file of a lease. */
const DRAFT = '.draft-';
/** What file systems say that know no links (FAT, some network shares), or allow no more of them. */
const NO_LINKS = new Set<string | undefined>(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/** Whether a file of this name is what somebody began to make: whoever has won may clear it away. */
export function isDraft(name: string): boolean {
  return name.startsWith(DRAFT);
}

/**
 * Makes the file of a generation, whole and durable; false when it exists already. It is written under another name and
 * then linked, which fails for all but one, as O_EXCL does: whoever is killed in the middle leaves no file without a
 * holder, which others would have to wait for. Rejects with what the file system says, and leaves nothing then.
 */
export async function createLeaseFile(path: string, record: LeaseRecord, makeLink = link): Promise<boolean> {
  const draft = join(dirname(path), `${DRAFT}${record.holder}`);
  try {
    await writeNewFile(draft, record);
    await makeLink(draft, path);
    return true;
  } catch (error) {
    const code = errorCode(error);
    // Gone: somebody else has won, and cleared away what the others had begun.
    if (code === 'EEXIST' || code === 'ENOENT') return false;
    if (!NO_LINKS.has(code)) throw error;
  } finally {
    await unlink(draft).catch(() => undefined);
  }
  return createWithoutLink(path, record);
}

async function createWithoutLink(path: string, record: LeaseRecord): Promise<boolean> {
  try {
    await writeNewFile(path, record);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    // Nobody has been given this number, so it may come again.
    await unlink(path).catch(() => undefined);
    throw error;
  }
}

/** Rejects when the file exists already. */
async function writeNewFile(path: string, record: LeaseRecord): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await giveToOwner(file);
    await file.writeFile(writeLeaseRecord(record));
    // The number has to survive a power cut, since it must never come again.
    await file.sync();
  } finally {
    await file.close();
  }
}

/** False when the file is gone. One write of the same length: who reads at the same time sees a change, no matter which. */
export async function overwriteLeaseFile(path: string, record: LeaseRecord): Promise<boolean> {
  // Not through a link, which whoever owns the folder could lead to a file that only root may write.
  const file = await unlessMissing(open(path, constants.O_RDWR | constants.O_NOFOLLOW));
  if (file === undefined) return false;
  try {
    await file.write(writeLeaseRecord(record), 0, null, 0);
  } finally {
    await file.close();
  }
  return true;
}
