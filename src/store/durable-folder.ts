import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorCode } from '../base/errors.ts';

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
 * Makes a folder and those above it, and makes their existence durable. Not by Node's recursive mkdir, which never
 * ends where a file system says that a folder does not exist although its parent does (/proc, a removed folder).
 */
export async function makeFolder(path: string): Promise<void> {
  if (await makeOneFolder(path)) return;
  await makeFolder(dirname(path));
  if (!(await makeOneFolder(path))) throw Object.assign(new Error('no folder can be made there'), { code: 'ENOENT' });
}

/** False when the folder above is missing. That one of this name may be a file shows when it is used. */
async function makeOneFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return true;
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
  await syncFolder(dirname(path));
  return true;
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
