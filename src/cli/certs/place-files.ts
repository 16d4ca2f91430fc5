import { link, open, realpath, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { describeError, errorCode } from '../../base/errors.ts';
import { bad, good, type Parsed } from '../../base/parsed.ts';
import type { System } from '../../base/system.ts';
import { syncFolder } from '../../store/durable-folder.ts';

/** A file to be written; `path` is absolute. */
export interface NewFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

interface Prepared extends NewFile {
  /** Where it really goes: what a symbolic link leads to. */
  readonly target: string;
  readonly temporary: string;
  readonly existed: boolean;
}

/**
 * Writes files that only their owner can read: all of them or none, each whole or not at all. One that exists already
 * is replaced only with `force`. What is wrong comes as one sentence.
 */
export async function placeFiles(
  files: readonly NewFile[],
  force: boolean,
  { system }: { readonly system: Pick<System, 'randomBytes'> },
): Promise<Parsed<undefined>> {
  const prepared: Prepared[] = [];
  const placed: Prepared[] = [];
  try {
    for (const file of files) {
      const seen = await look(file.path);
      if (!seen.ok) return seen;
      if (seen.value.existed && !force) return refuseToReplace(file.path);
      const suffix = system.randomBytes(6).toString('hex');
      const temporary = join(dirname(seen.value.target), `.${basename(seen.value.target)}.${suffix}.tmp`);
      prepared.push({ ...file, ...seen.value, temporary });
      await writeWhole(temporary, file.bytes).catch((error: unknown) => {
        throw new Error(`${file.path} cannot be written: ${explain(error)}`, { cause: error });
      });
    }
    for (const file of prepared) {
      await moveInto(file, force);
      placed.push(file);
      await syncFolder(dirname(file.target));
    }
    return good(undefined);
  } catch (error) {
    // A certificate without its key is of no use to anybody. What was replaced is gone, though, and stays as it is.
    for (const { target, existed } of placed) if (!existed) await unlink(target).catch(() => undefined);
    return bad(describeError(error));
  } finally {
    for (const { temporary } of prepared) await unlink(temporary).catch(() => undefined);
  }
}

async function look(path: string): Promise<Parsed<{ readonly target: string; readonly existed: boolean }>> {
  try {
    const target = await realpath(path);
    const isFile = (await stat(target)).isFile();
    return isFile ? good({ target, existed: true }) : bad(`${path} is no plain file, so nothing is written there.`);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return good({ target: path, existed: false });
    return bad(`${path} cannot be written: ${explain(error)}`);
  }
}

function refuseToReplace(path: string): Parsed<never> {
  return bad(`${path} exists already, and nothing was written; add --force to replace it.`);
}

async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function moveInto({ path, temporary, target }: Prepared, force: boolean): Promise<void> {
  try {
    // Unlike a rename, a link never takes the place of a file that has come into being meanwhile.
    if (force) await rename(temporary, target);
    else await link(temporary, target);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EEXIST') throw new Error(`${path} exists already; add --force to replace it.`, { cause: error });
    // Some file systems have no links.
    if (force || !['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(code ?? '')) {
      throw new Error(`${path} cannot be written: ${explain(error)}`, { cause: error });
    }
    await rename(temporary, target);
  }
}

function explain(error: unknown): string {
  const code = errorCode(error);
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'its folder does not exist; make the folder first.';
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied; choose a folder that this user may write to.';
  if (code === 'EROFS') return 'the file system is read-only; choose another folder.';
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'the disk is full; make room, or choose another one.';
  return `${describeError(error)}.`;
}
