import { type FSWatcher, watch } from 'node:fs';
import { readlink, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { System, Timer } from '../base/system.ts';

/** Milliseconds from the first event to the call: who replaces a certificate replaces its key in the same breath. */
const SETTLE = 200;
/** Milliseconds. Network file systems and some container mounts send no events at all. */
const POLL = 60_000;
const MOST_LINKS = 16;

interface Watched {
  /** Device and inode: a folder that was replaced by another of the same name has to be watched anew. */
  readonly id: string;
  readonly watcher: FSWatcher;
}

/**
 * Calls back some time after any of these files may have changed, also by way of a symbolic link anywhere on the path
 * (certbot swaps the last one, Kubernetes one in the middle). Calls too often, never too seldom: whoever is called
 * compares contents. Does not keep the process alive.
 */
export function watchFiles(
  paths: readonly string[],
  onChange: () => void,
  deps: { readonly system: System },
): { close(): void } {
  const { system } = deps;
  const watched = new Map<string, Watched>();
  let settling: Timer | undefined;
  let polling: Timer | undefined;
  let closed = false;

  // Not put off by further events: in a folder where something happens all the time it would never fire.
  const touch = (): void => {
    if (settling !== undefined || closed) return;
    settling = system.setTimer(SETTLE, () => {
      settling = undefined;
      onChange();
      void follow();
    });
  };

  const forget = (folder: string): void => {
    watched.get(folder)?.watcher.close();
    watched.delete(folder);
  };

  /** Watches the folders that decide what the paths mean now, and no others. */
  async function follow(): Promise<void> {
    const wanted = new Set<string>();
    for (const path of paths) await collectFolders(path, wanted, MOST_LINKS);
    const ids = new Map<string, string>();
    for (const folder of wanted) {
      // A folder that is not there is found by the poll when it comes back.
      const facts = await stat(folder).catch(() => undefined);
      if (facts !== undefined) ids.set(folder, `${facts.dev}:${facts.ino}`);
    }
    if (closed) return;
    for (const [folder, { id }] of watched) if (ids.get(folder) !== id) forget(folder);
    for (const [folder, id] of ids) if (!watched.has(folder)) begin(folder, id);
  }

  function begin(folder: string, id: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, touch);
      watcher.on('error', () => forget(folder));
      watched.set(folder, { id, watcher });
      // Something may have happened between reading the files and this line.
      touch();
    } catch {
      // The limit of watches is reached, or we may not read the folder: the poll is what remains.
    }
  }

  const poll = (): void => {
    polling = system.setTimer(POLL, () => {
      touch();
      poll();
    });
  };

  poll();
  void follow();
  return {
    close() {
      closed = true;
      settling?.cancel();
      polling?.cancel();
      for (const folder of [...watched.keys()]) forget(folder);
    },
  };
}

/** The folders in which a change can make `path` lead to another file: its own, and those of all links on the way. */
async function collectFolders(path: string, found: Set<string>, links: number): Promise<void> {
  found.add(dirname(path));
  if (links === 0) return;
  for (let part = path; part !== dirname(part); part = dirname(part)) {
    const target = await readlink(part).catch(() => undefined);
    if (target === undefined) continue;
    found.add(dirname(part));
    await collectFolders(resolve(dirname(part), target), found, links - 1);
  }
}
