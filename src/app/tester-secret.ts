import type { System } from '../base/system.ts';
import type { Store } from '../store/store.ts';

/** Where the secret of the federation tester's keys is in the store, and how many bytes it has. */
const KEY = 'federation-tester/secret';
const LENGTH = 32;

/** The secret, if there is one. Rejects with the store's SidecarError. */
export async function readTesterSecret(store: Store): Promise<Buffer | undefined> {
  const present = await store.read(KEY);
  return present?.length === LENGTH ? present : undefined;
}

/** The secret, made when there is none. Rejects with the store's SidecarError. */
export async function requireTesterSecret(store: Store, system: System): Promise<Buffer> {
  const present = await readTesterSecret(store);
  if (present !== undefined) return present;
  const made = system.randomBytes(LENGTH);
  await store.write(KEY, made);
  // Another process may have made one at the same time: what is there now is what counts.
  return (await readTesterSecret(store)) ?? made;
}
