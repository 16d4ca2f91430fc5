import { access, constants } from 'node:fs/promises';
import { KEEPER_LEASE } from '../../acme/keeper.ts';
import { describeError, errorCode } from '../../base/errors.ts';
import type { Config } from '../../config/config.ts';
import { isStoreFailure, type Store } from '../../store/store.ts';

/** Whether a sidecar looks after the certificates of a store now; `unusable`, with why, where nobody can. */
export type KeeperPresence =
  | { readonly kind: 'present' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unusable'; readonly why: string };

/**
 * Whoever gets the lease is alone. It is given back at once, for a sidecar that starts right now. Not for who only looks:
 * the lease leaves its trace in the store.
 */
export async function findKeeper(store: Pick<Store, 'acquireLease'>): Promise<KeeperPresence> {
  try {
    const lease = await store.acquireLease(KEEPER_LEASE);
    await lease?.release();
    return { kind: lease === undefined ? 'present' : 'absent' };
  } catch (error) {
    if (!isStoreFailure(error)) throw error;
    return { kind: 'unusable', why: describeError(error) };
  }
}

/** Why files cannot be written to the store's folder, as far as can be told without writing; undefined where they can. */
export async function findUnwritable(store: Config['store']): Promise<string | undefined> {
  if (store.kind !== 'files') return undefined;
  try {
    await access(store.folder, constants.W_OK);
    return undefined;
  } catch (error) {
    const code = errorCode(error);
    if (code === 'EROFS') return `${store.folder} is on a file system that is read-only`;
    return code === 'EACCES' || code === 'EPERM' ? `${store.folder} belongs to another user` : undefined;
  }
}
