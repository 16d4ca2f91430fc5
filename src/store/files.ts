import { type FileHandle, open, readdir, readFile, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { errorCode } from '../base/errors.ts';
import { realSystem, type System } from '../base/system.ts';
import { giveToOwner, makeFolder, syncFolder, unlessMissing } from './durable-folder.ts';
import { createFileChanges } from './file-changes.ts';
import { createFileLeases } from './file-leases.ts';
import { requireStoreKey, type Store } from './store.ts';
import { explainStoreFailure, type StoreAction } from './store-failure.ts';

// Begins with a dot, which no key's segment does: a temporary file can never be taken for a value.
const TEMPORARY = /^\.tmp-\d+-\d+-/;
/** Milliseconds. A write takes far less; an older temporary file belongs to a process that died in the middle. */
const ABANDONED_AFTER = 3_600_000;

/**
 * Keeps every value in a file of its own under `folder`: `a/b.pem` is `<folder>/a/b.pem`. Files are 0600 and the
 * folders it makes 0700. The folder itself is made by the first write. Several processes may share one folder.
 * Leases are in `<folder>/.leases`, whose dot keeps them apart from the values.
 */
export function createFileStore(folder: string, deps: { readonly system: System } = { system: realSystem }): Store {
  const root = resolve(folder);
  const leases = createFileLeases(root, { ...deps, write });
  const changes = createFileChanges(root, deps);
  /** On the file system's own clock, which on a network file system is not this machine's. */
  let sweptAt = Number.NEGATIVE_INFINITY;
  let counter = 0;

  const pathOf = (key: string): string => {
    requireStoreKey(key);
    return join(root, key);
  };

  async function explaining<T>(action: StoreAction, path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw explainStoreFailure(error, action, root, path);
    }
  }

  /** Opens a file that nobody else has, beside the one that it will replace (rename works within one file system). */
  async function openTemporary(path: string): Promise<{ file: FileHandle; temporary: string }> {
    const name = path.slice(dirname(path).length + 1);
    for (;;) {
      counter += 1;
      const temporary = join(dirname(path), `.tmp-${process.pid}-${counter}-${name}`);
      try {
        return { file: await open(temporary, 'wx', 0o600), temporary };
      } catch (error) {
        // In containers every process may be number 1: the name can be taken by another one, or by a dead one.
        if (errorCode(error) !== 'EEXIST') throw error;
      }
    }
  }

  async function write(key: string, bytes: Uint8Array): Promise<void> {
    const path = pathOf(key);
    await explaining('write', path, async () => {
      await makeFolder(dirname(path), root);
      const { file, temporary } = await openTemporary(path);
      try {
        try {
          await giveToOwner(file);
          await file.writeFile(bytes);
          await file.sync();
          const { mtimeMs } = await file.stat();
          if (Math.abs(mtimeMs - sweptAt) >= ABANDONED_AFTER) {
            sweptAt = mtimeMs;
            await sweep(root, mtimeMs - ABANDONED_AFTER);
          }
        } finally {
          await file.close();
        }
        await rename(temporary, path);
      } catch (error) {
        await unlink(temporary).catch(() => undefined);
        throw error;
      }
      await syncFolder(dirname(path));
    });
    changes.look();
  }

  return {
    async read(key) {
      const path = pathOf(key);
      return explaining('read', path, () => unlessMissing(readFile(path)));
    },
    write,
    async remove(key) {
      const path = pathOf(key);
      await explaining('remove', path, async () => {
        const removed = await unlessMissing(unlink(path).then(() => true));
        if (removed === true) await syncFolder(dirname(path));
      });
      changes.look();
    },
    async list(prefix) {
      const keys = await explaining('list', root, () => listKeys(root, ''));
      return keys.filter((key) => key.startsWith(prefix)).sort();
    },
    where: pathOf,
    onChange: changes.onChange,
    acquireLease: (name) => leases.acquire(name),
    async close() {
      changes.close();
      await leases.close();
    },
  };
}

/**
 * Removes what crashes left half-written: files from before `before`, in all folders, since some are written to only
 * once. Another process may be sweeping too, or finish its write meanwhile: nothing here is worth failing for.
 */
async function sweep(folder: string, before: number): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && !entry.name.startsWith('.')) await sweep(path, before);
    if (!entry.isFile() || !TEMPORARY.test(entry.name)) continue;
    const age = await stat(path).catch(() => undefined);
    if (age !== undefined && age.mtimeMs < before) await unlink(path).catch(() => undefined);
  }
}

async function listKeys(folder: string, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  const entries = (await unlessMissing(readdir(folder, { withFileTypes: true }))) ?? [];
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    if (entry.isDirectory()) keys.push(...(await listKeys(join(folder, entry.name), `${prefix}${entry.name}/`)));
    else if (entry.isFile()) keys.push(prefix + entry.name);
  }
  return keys;
}
