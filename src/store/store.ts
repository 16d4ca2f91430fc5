import { SidecarError } from '../base/errors.ts';

/**
 * Where the sidecar keeps what must survive a restart: keys, certificates, accounts. Values are bytes, small
 * (kilobytes), and all of them are secret.
 *
 * Keys are segments of `A-Z a-z 0-9 . _ @ -` joined by slashes; no segment begins with a dot or has more than 200
 * characters. Whoever names a key after a wildcard name or an IPv6 address encodes `*` and `:` first. A key is never
 * at the same time the beginning of another (`a` and `a/b`).
 *
 * Every method rejects with a SidecarError that says what failed and what to do; a bad key is a defect of ours.
 */
export interface Store {
  /** The value, or undefined when there is none. Never half of one. */
  read(key: string): Promise<Buffer | undefined>;
  /**
   * Atomic and durable: readers see the old value or the new one whole, and once the promise has resolved the new
   * one survives a power cut. Of several writes at once, one wins whole. One that rejected may have happened.
   */
  write(key: string, bytes: Uint8Array): Promise<void>;
  /** Durable as well. Removing what is not there is no error. */
  remove(key: string): Promise<void>;
  /** The keys that begin with `prefix` (plain text, not a pattern; `''` for all), sorted by code unit. */
  list(prefix: string): Promise<string[]>;
  /** What a person has to look for to find this value (a file's path, say), for messages. */
  where(key: string): string;
  /**
   * Calls `listener` some time after this or another process wrote or removed a key that begins with `prefix`: mostly
   * within a second, but only within a minute where word does not get through (a network file system, a database that
   * was away). Too often rather than too seldom: in the beginning also for keys that were there already, and several
   * changes may be one call, so whoever is called reads the value. The listener must not throw. Returns what ends it.
   * Nothing of this keeps the process alive or rejects; while the store cannot be reached, there are no calls.
   */
  onChange(prefix: string, listener: (key: string) => void): () => void;
  /**
   * The lease of this name (made like a key), or undefined while another holds it, be it another process or this one.
   * Never waits for the holder. One that ended without giving it back is followed within half a minute, by whoever
   * keeps asking every second or so; in a store of files at once, where both can see the same processes. Whoever gets
   * the lease looks again whether the work is still to be done.
   */
  acquireLease(name: string): Promise<Lease | undefined>;
  /**
   * Lets go of what is held open, leases included. May be called again; the other methods then need not work.
   */
  close(): Promise<void>;
}

/**
 * The right to be the only one who does something, among all processes that share a store. It renews itself until it
 * is released. A process that is stopped for longer than a lease lasts (20 s) and then goes on may for a moment
 * believe that it still holds it: what must not be overwritten then is written through the lease.
 */
export interface Lease {
  readonly name: string;
  /** Grows with every acquisition of this name, by whomever; at least 1. Survives restarts. */
  readonly generation: number;
  /**
   * Aborts, with a SidecarError as its reason, when the lease is no longer certainly ours: another took it over, it
   * could not be renewed in time, or the store was closed. Before anyone else can have it, unless this process was
   * stopped. Does not abort when it is released.
   */
  readonly lost: AbortSignal;
  /**
   * As `Store.write`, where the store itself knows the lease as ours: for values that a holder must not write which was
   * stopped, has not noticed it yet, and has been followed by another. In a database no moment is left between
   * the look and the write; in files one of some milliseconds is. Rejects with the reason of `lost` when it is not
   * ours any more; nothing is written then.
   */
  write(key: string, bytes: Uint8Array): Promise<void>;
  /** Gives it back, so that the next one need not wait. May be called again, and after it was lost; never rejects. */
  release(): Promise<void>;
}

/** Whether it was the store that failed, or the lease that was lost: whatever else is begun will mostly fail as well. */
export function isStoreFailure(error: unknown): boolean {
  return error instanceof SidecarError && error.code.startsWith('store-');
}

const SEGMENT = /^[A-Za-z0-9_@-][A-Za-z0-9._@-]{0,199}$/;

/** Throws a SidecarError (ours: a caller did not encode) unless `key` is one that every store can hold. */
export function requireStoreKey(key: string): void {
  if (key.split('/').every((segment) => SEGMENT.test(segment))) return;
  throw new SidecarError(`${JSON.stringify(key)} cannot be a key of the store`, { code: 'store-key', blame: 'us' });
}
