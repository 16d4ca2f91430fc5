import type { Log } from '../base/log.ts';
import type { System } from '../base/system.ts';
import { createFileStore } from './files.ts';
import type { Store } from './store.ts';

/** Where a store is: the configuration's `store`. */
export type StorePlace =
  | { readonly kind: 'files'; readonly folder: string }
  /** The URL may hold a password. */
  | { readonly kind: 'postgres'; readonly url: string };

/**
 * Opens a store. Nothing is read, made or connected to before the first call, so that a store that is away for the
 * moment does not keep the sidecar from starting.
 * @throws SidecarError when the place cannot be one at all
 */
export async function createStore(
  place: StorePlace,
  deps: { readonly system: System; readonly log: Log },
): Promise<Store> {
  if (place.kind === 'files') return createFileStore(place.folder, deps);
  // Loaded when it is needed: most sidecars keep files, and start faster without a database's driver.
  const { createPostgresStore } = await import('./postgres.ts');
  return createPostgresStore(place.url, deps);
}
