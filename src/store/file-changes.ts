import { type FSWatcher, watch } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { System, Timer } from '../base/system.ts';
import { createChangeFeed } from './change-feed.ts';
import { unlessMissing } from './durable-folder.ts';

/** Milliseconds from the first sign of a change to the look at the folders. */
const SETTLE = 50;
/** Milliseconds. Network file systems and some container mounts send no events at all. */
const POLL = 30_000;

/** Word of changes in a store of files. */
export interface FileChanges {
  /** As `Store.onChange`. */
  onChange(prefix: string, listener: (key: string) => void): () => void;
  /** Looks soon whether something changed: this process wrote. */
  look(): void;
  close(): void;
}

interface Tree {
  /**
   * Every folder of the store, or the one above it where it has not been made yet, with device and inode: one that was
   * replaced has to be watched anew.
   */
  readonly folders: Map<string, string>;
  /** Every key, with what its file's metadata was. */
  readonly versions: Map<string, string>;
}

/**
 * Watches the folders of a store, while anybody listens. What an event says is not believed, it only leads to a look
 * at everything: a store is small. Each folder is watched by itself, since Node's recursive watching on Linux
 * (seen in 24) loses sight of a file that is replaced by renaming, which is how every value is written.
 */
export function createFileChanges(root: string, deps: { readonly system: System }): FileChanges {
  const { system } = deps;
  const feed = createChangeFeed();
  const watched = new Map<string, { readonly id: string; readonly watcher: FSWatcher }>();
  let settling: Timer | undefined;
  let polling: Timer | undefined;
  let looking = false;
  let again = false;

  const idle = (): boolean => feed.size() === 0;

  function look(): void {
    if (idle()) return;
    settling ??= system.setTimer(SETTLE, () => {
      settling = undefined;
      void lookNow();
    });
  }

  async function lookNow(): Promise<void> {
    again = looking;
    if (looking) return;
    looking = true;
    // A folder that cannot be read now is as if nothing had changed: the next look or poll may succeed.
    const tree = await readTree(root).catch(() => undefined);
    looking = false;
    if (again) look();
    if (idle() || tree === undefined) return;
    follow(tree.folders);
    feed.seeAll(tree.versions);
  }

  function follow(folders: ReadonlyMap<string, string>): void {
    for (const [folder, { id }] of watched) if (folders.get(folder) !== id) forget(folder);
    for (const [folder, id] of folders) if (!watched.has(folder)) begin(folder, id);
  }

  function begin(folder: string, id: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => {
        if (concerns(folder, name)) look();
      });
      watcher.on('error', () => forget(folder));
      watched.set(folder, { id, watcher });
      // Something may have happened between reading the folder and this line.
      look();
    } catch {
      // The limit of watches is reached: the poll is what remains.
    }
  }

  function concerns(folder: string, name: string | null): boolean {
    if (name === null) return true;
    // With a dot: temporary files and leases.
    return folder === dirname(root) ? name === basename(root) : !name.startsWith('.');
  }

  function forget(folder: string): void {
    watched.get(folder)?.watcher.close();
    watched.delete(folder);
  }

  function poll(): void {
    polling = system.setTimer(POLL, () => {
      look();
      poll();
    });
  }

  function stop(): void {
    settling?.cancel();
    settling = undefined;
    polling?.cancel();
    polling = undefined;
    for (const folder of [...watched.keys()]) forget(folder);
  }

  const endings = new Set<() => void>();
  return {
    onChange(prefix, listener) {
      const remove = feed.add(prefix, listener);
      const end = (): void => {
        remove();
        endings.delete(end);
        if (idle()) stop();
      };
      endings.add(end);
      if (polling === undefined) poll();
      look();
      return end;
    },
    look,
    close() {
      for (const end of [...endings]) end();
    },
  };
}

async function readTree(root: string): Promise<Tree> {
  const tree: Tree = { folders: new Map(), versions: new Map() };
  await readFolder(root, '', tree);
  if (tree.folders.size === 0) await noteFolder(dirname(root), tree);
  return tree;
}

async function readFolder(folder: string, prefix: string, tree: Tree): Promise<void> {
  if (!(await noteFolder(folder, tree))) return;
  for (const entry of (await unlessMissing(readdir(folder, { withFileTypes: true }))) ?? []) {
    if (entry.name.startsWith('.')) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await readFolder(path, `${prefix}${entry.name}/`, tree);
    if (!entry.isFile()) continue;
    const facts = await unlessMissing(stat(path, { bigint: true }));
    if (facts === undefined) continue;
    tree.versions.set(prefix + entry.name, `${facts.ino} ${facts.size} ${facts.mtimeNs} ${facts.ctimeNs}`);
  }
}

/** False when it is not there, or no folder. */
async function noteFolder(folder: string, tree: Tree): Promise<boolean> {
  const facts = await unlessMissing(stat(folder, { bigint: true }));
  if (facts?.isDirectory() !== true) return false;
  tree.folders.set(folder, `${facts.dev}:${facts.ino}`);
  return true;
}
