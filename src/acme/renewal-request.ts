import type { Store } from '../store/store.ts';

/** Where an operator's wish to renew waits for the keeper, whichever process that is. */
export const REQUESTS_PREFIX = 'acme/requests/';
const RENEW_KEY = `${REQUESTS_PREFIX}renew.json`;

/** `certs renew`: which sets of names (`NameSet.id`), or all of them. */
export interface RenewalRequest {
  readonly sets: readonly string[] | 'all';
}

export async function writeRenewalRequest(store: Pick<Store, 'write'>, request: RenewalRequest): Promise<void> {
  await store.write(RENEW_KEY, Buffer.from(JSON.stringify(request)));
}

/** Takes the request out of the store; undefined where there is none, or none that can be read. */
export async function takeRenewalRequest(store: Pick<Store, 'read' | 'remove'>): Promise<RenewalRequest | undefined> {
  const bytes = await store.read(RENEW_KEY);
  if (bytes === undefined) return undefined;
  await store.remove(RENEW_KEY);
  try {
    const { sets } = JSON.parse(bytes.toString()) as { sets?: unknown };
    if (sets === 'all') return { sets };
    return Array.isArray(sets) ? { sets: sets.map(String) } : undefined;
  } catch {
    return undefined;
  }
}
