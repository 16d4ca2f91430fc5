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

/**
 * Takes the request out of the store once it is heeded; undefined where there is none, or none that can be read. What is
 * asked for meanwhile is left for the next time.
 */
export async function takeRenewalRequest(
  store: Pick<Store, 'read' | 'remove'>,
  heed: (request: RenewalRequest) => Promise<void> = async () => {},
): Promise<RenewalRequest | undefined> {
  const bytes = await store.read(RENEW_KEY);
  if (bytes === undefined) return undefined;
  const request = parseRequest(bytes);
  if (request !== undefined) await heed(request);
  if ((await store.read(RENEW_KEY))?.equals(bytes) === true) await store.remove(RENEW_KEY);
  return request;
}

/** Whether something is asked for that no keeper has heeded yet. */
export async function isRenewalRequested(store: Pick<Store, 'read'>): Promise<boolean> {
  return (await store.read(RENEW_KEY)) !== undefined;
}

function parseRequest(bytes: Buffer): RenewalRequest | undefined {
  try {
    const { sets } = JSON.parse(bytes.toString()) as { sets?: unknown };
    if (sets === 'all') return { sets };
    return Array.isArray(sets) ? { sets: sets.map(String) } : undefined;
  } catch {
    return undefined;
  }
}
