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
   * one survives a power cut. Of several writes at once, one wins whole.
   */
  write(key: string, bytes: Uint8Array): Promise<void>;
  /** Durable as well. Removing what is not there is no error. */
  remove(key: string): Promise<void>;
  /** The keys that begin with `prefix` (plain text, not a pattern; `''` for all), sorted by code unit. */
  list(prefix: string): Promise<string[]>;
  /** What a person has to look for to find this value (a file's path, say), for messages. */
  where(key: string): string;
  /** Lets go of what is held open. May be called again; the other methods then need not work. */
  close(): Promise<void>;
}

const SEGMENT = /^[A-Za-z0-9_@-][A-Za-z0-9._@-]{0,199}$/;

/** Throws a SidecarError (ours: a caller did not encode) unless `key` is one that every store can hold. */
export function requireStoreKey(key: string): void {
  if (key.split('/').every((segment) => SEGMENT.test(segment))) return;
  throw new SidecarError(`${JSON.stringify(key)} cannot be a key of the store`, { code: 'store-key', blame: 'us' });
}
