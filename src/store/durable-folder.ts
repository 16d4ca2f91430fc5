import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readlink, stat } from 'node:fs/promises';
import { dirname, sep } from 'node:path';
import { errorCode } from '../base/errors.ts';
import { readOwnUid } from '../base/own-user.ts';

/** What `work` gives, or undefined where the file or folder that it is about does not exist. */
export async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Makes a folder and those above it, and makes their existence durable; those below `root` belong to the owner of the folder
 * that they are in (`giveToOwner`). Not by Node's recursive mkdir, which never
 * ends where a file system says that a folder does not exist although its parent does (/proc, a removed folder).
 */
export async function makeFolder(path: string, root: string): Promise<void> {
  if (await makeOneFolder(path, root)) return;
  await makeFolder(dirname(path), root);
  if (!(await makeOneFolder(path, root)))
    throw Object.assign(new Error('no folder can be made there'), { code: 'ENOENT' });
}

/** False when the folder above is missing. That one of this name may be a file shows when it is used. */
async function makeOneFolder(path: string, root: string): Promise<boolean> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return true;
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
  if (path.startsWith(`${root}${sep}`)) await giveFolderToOwner(path);
  await syncFolder(dirname(path));
  return true;
}

async function giveFolderToOwner(path: string): Promise<void> {
  if (readOwnUid() !== 0) return;
  // Through a handle: whoever owns the folder above could put a link in this one's place meanwhile.
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    await giveToOwner(handle);
  } finally {
    await handle.close();
  }
}

/**
 * Gives what was just made to whoever owns the folder it is in, where this process is root and may do that: a command
 * that is run as root (`certs renew`, `certs import`) must leave nothing that the sidecar, which runs as another user,
 * cannot read or replace.
 */
export async function giveToOwner(handle: FileHandle): Promise<void> {
  if (readOwnUid() !== 0) return;
  // Where it really is: whoever owns a folder on the way could put a link in its place meanwhile.
  const real = await readlink(`/proc/self/fd/${handle.fd}`).catch(() => undefined);
  // Undefined where there is no /proc, or where it names a folder of another mount namespace.
  const folder = real === undefined ? undefined : await stat(dirname(real)).catch(() => undefined);
  if (folder === undefined) return;
  const { uid, gid } = folder;
  // Root of a container may lack the right, and file systems of other systems have no owners.
  if (uid !== 0) await handle.chown(uid, gid).catch(() => undefined);
}

/** A rename or an unlink is durable only once its folder is. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // Some network file systems cannot sync a folder and say so; they order these operations themselves.
    if (errorCode(error) !== 'EINVAL') throw error;
  } finally {
    await handle.close();
  }
}
