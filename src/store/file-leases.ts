import { readdir, readFile, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { System } from '../base/system.ts';
import { makeFolder, syncFolder, unlessMissing } from './durable-folder.ts';
import { type HeldLease, holdLease } from './held-lease.ts';
import { createLeaseFile, isDraft, overwriteLeaseFile } from './lease-file.ts';
import { judgeLease, type LeaseRecord, readLeaseRecord } from './lease-record.ts';
import { isRunning, type ProcessIdentity, readOwnIdentity } from './process-identity.ts';
import { type Lease, requireStoreKey } from './store.ts';
import { explainStoreFailure } from './store-failure.ts';

const FOLDER = '.leases';
const GENERATION = /^\.generation-([1-9]\d{0,14})$/;

/** The leases of a store of files. */
export interface FileLeases {
  /** As `Store.acquireLease`. */
  acquire(name: string): Promise<Lease | undefined>;
  close(): Promise<void>;
}

interface Sighting {
  readonly generation: number;
  readonly text: string;
  /** Monotonic milliseconds when we first saw exactly this. */
  readonly since: number;
}

/**
 * A lease is a folder, `<root>/.leases/NAME`, with a file for each generation. Whoever creates the file of the next
 * generation holds the lease, for as long as there is no newer one.
 *
 * Why of several takers only one can win: making a file that must not exist succeeds for one of them. The newest file
 * is never removed, so the newest generation only grows. A taker that was held up between looking and creating may
 * create a file that others have had and cleared away since; so it looks again afterwards, and finds a newer one. Nobody but the holder writes to a file, and in place, so that it is never missing from the folder.
 *
 * A holder lives as long as its file changes, and others watch that by their own monotonic clocks: neither a step of
 * a clock nor clocks that differ take a lease from anybody.
 */
export function createFileLeases(
  root: string,
  deps: {
    readonly system: System;
    /** As `Store.write`. */
    readonly write: (key: string, bytes: Uint8Array) => Promise<void>;
  },
): FileLeases {
  const { system } = deps;
  const holder = system.randomBytes(9).toString('base64url');
  const held = new Map<string, HeldLease>();
  /** Paths of the files that are ours, or that we are about to create. */
  const claimed = new Set<string>();
  const sightings = new Map<string, Sighting>();
  let self: Promise<ProcessIdentity | undefined> | undefined;
  let closed = false;

  async function isFree(name: string, generation: number, path: string): Promise<boolean> {
    const text = await unlessMissing(readFile(path, 'utf8'));
    // Cleared away by whoever took a newer generation just now.
    if (text === undefined) return false;
    const now = system.monotonic();
    let sighting = sightings.get(name);
    if (sighting?.generation !== generation || sighting.text !== text) sighting = { generation, text, since: now };
    sightings.set(name, sighting);
    const record = readLeaseRecord(text);
    const own = await self;
    const known = record?.process !== undefined && own !== undefined;
    return judgeLease({
      record,
      unchangedFor: now - sighting.since,
      running: known ? await isRunning(record.process, own) : undefined,
      forgotten: record?.holder === holder && !claimed.has(path),
    }).free;
  }

  async function acquire(name: string, folder: string): Promise<Lease | undefined> {
    const since = system.monotonic();
    self ??= readOwnIdentity();
    const own = await self;
    await makeFolder(folder, root);
    const newest = await findNewest(folder);
    if (newest > 0 && !(await isFree(name, newest, pathOf(folder, newest)))) return undefined;
    const generation = newest + 1;
    const path = pathOf(folder, generation);
    if (claimed.has(path)) return undefined;
    claimed.add(path);
    try {
      const record = { state: 'held', renewals: 0, holder, host: hostname(), ...(own && { process: own }) } as const;
      const won = await createLeaseFile(path, record);
      if (!won || (await findNewest(folder)) !== generation) {
        if (won) await unlessMissing(unlink(path));
        claimed.delete(path);
        return undefined;
      }
      await syncFolder(folder);
      await removeOlder(folder, generation);
      const lease = hold(name, generation, since, folder, record);
      if (!closed) return lease;
      await lease.revoke();
      return undefined;
    } catch (error) {
      claimed.delete(path);
      throw error;
    }
  }

  function hold(name: string, generation: number, since: number, folder: string, first: LeaseRecord): HeldLease {
    const path = pathOf(folder, generation);
    let record = first;
    const lease = holdLease(
      {
        name,
        generation,
        since,
        async renew() {
          if ((await findNewest(folder)) !== generation) return false;
          record = { ...record, renewals: record.renewals + 1 };
          return overwriteLeaseFile(path, record);
        },
        async giveBack() {
          await overwriteLeaseFile(path, { ...record, state: 'released' });
        },
        async write(key, bytes) {
          const newest = await findNewest(folder).catch((error: unknown) => {
            throw explainStoreFailure(error, 'lock', root, folder);
          });
          if (newest !== generation) return false;
          await deps.write(key, bytes);
          return true;
        },
      },
      deps,
    );
    held.set(path, lease);
    void lease.ended.then(() => {
      held.delete(path);
      claimed.delete(path);
    });
    return lease;
  }

  return {
    async acquire(name) {
      requireStoreKey(name);
      const folder = join(root, FOLDER, name);
      try {
        return await acquire(name, folder);
      } catch (error) {
        throw explainStoreFailure(error, 'lock', root, folder);
      }
    },
    async close() {
      closed = true;
      await Promise.all([...held.values()].map((lease) => lease.revoke()));
    },
  };
}

// The dot keeps it apart from the folder of a lease with a longer name.
const pathOf = (folder: string, generation: number): string => join(folder, `.generation-${generation}`);

async function listGenerations(folder: string): Promise<number[]> {
  const names = (await unlessMissing(readdir(folder))) ?? [];
  return names.flatMap((name) => GENERATION.exec(name)?.[1] ?? []).map(Number);
}

/** 0 when there has been none. */
async function findNewest(folder: string): Promise<number> {
  return Math.max(0, ...(await listGenerations(folder)));
}

async function removeOlder(folder: string, newest: number): Promise<void> {
  for (const name of await readdir(folder)) {
    const generation = Number(GENERATION.exec(name)?.[1] ?? Number.NaN);
    // A slow taker may remove its own at the same time; what is left over is removed with the next generation.
    if (generation < newest || isDraft(name)) await unlink(join(folder, name)).catch(() => undefined);
  }
}
