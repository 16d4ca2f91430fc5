import { createPrivateKey } from 'node:crypto';
import type { Lease, Store } from '../store/store.ts';
import type { LedgerOrder } from './ledger.ts';
import { parseJson } from './read-problem.ts';

/** Where keys wait for the certificates that were asked for with them. Nothing below is ever served. */
const ORDER_KEYS_PREFIX = 'acme/order-keys/';
/** So many orders can be under way at once without knowing how they ended; the keys of older ones are given up. */
const MOST_KEYS = 50;

/** What tells orders apart, whichever ledger counted them. */
type OrderName = Pick<LedgerOrder, 'id' | 'set' | 'ca' | 'url'>;

function orderKey({ id }: Pick<LedgerOrder, 'id'>): string {
  return `${ORDER_KEYS_PREFIX}${id}.json`;
}

/**
 * Stores the private key (PEM) of an order. To be done before the order is finalised, so that a certificate that comes
 * of it can be used by whoever is the keeper by then. Through the lease: one that was stopped, and followed by another,
 * must not put its key in the place of the one that the other has sent.
 */
export async function writeOrderKey(lease: Pick<Lease, 'write'>, order: OrderName, keyPem: string): Promise<void> {
  const { set, ca, url } = order;
  await lease.write(orderKey(order), Buffer.from(JSON.stringify({ set, ca, url, keyPem })));
}

/** The key that was stored for an order; undefined where there is none, or none that can be used. */
export async function readOrderKey(store: Pick<Store, 'read'>, order: OrderName): Promise<string | undefined> {
  const bytes = await store.read(orderKey(order));
  const value: unknown = bytes === undefined ? undefined : parseJson(bytes.toString());
  if (typeof value !== 'object' || value === null) return undefined;
  const { set, ca, url, keyPem } = value as Record<string, unknown>;
  // A ledger that was lost counts from one again: the number alone does not tell.
  if (set !== order.set || ca !== order.ca || url !== order.url || typeof keyPem !== 'string') return undefined;
  try {
    createPrivateKey(keyPem);
    return keyPem;
  } catch {
    return undefined;
  }
}

/** Removes every key but those of `open`, the orders that a certificate may still come of, the newest of them. */
export async function sweepOrderKeys(
  store: Pick<Store, 'list' | 'remove'>,
  open: readonly Pick<LedgerOrder, 'id'>[],
): Promise<void> {
  const newest = [...open].sort((a, b) => b.id - a.id).slice(0, MOST_KEYS);
  const kept = new Set(newest.map(orderKey));
  for (const key of await store.list(ORDER_KEYS_PREFIX)) if (!kept.has(key)) await store.remove(key);
}
