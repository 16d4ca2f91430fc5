import { decideDue } from './decide-due.ts';
import type { AcmeKeeperSlice, LookAfterDeps } from './keeper-contract.ts';
import type { KeptSet } from './kept-set.ts';
import type { LedgerOrder } from './ledger.ts';
import { viewUnresolved } from './ledger-views.ts';
import { sweepOrderKeys } from './order-keys.ts';
import { settleOrders } from './settle-orders.ts';

/** The orders that were left in the middle, while one keeper has its lease. */
export interface LeftOrders {
  /**
   * Asks about those that are to be asked about now, and removes the keys of those that have ended. Resolves with the
   * instant of the next question. To be called while no order is under way. Rejects with the signal's reason, and where
   * the store fails.
   */
  settle(signal: AbortSignal): Promise<number>;
}

export function createLeftOrders(
  sets: ReadonlyMap<string, KeptSet>,
  slice: AcmeKeeperSlice,
  deps: LookAfterDeps,
): LeftOrders {
  const { ledger, system, store } = deps;
  const askAt = new Map<number, number>();
  let swept: string | undefined;

  /** Listing costs more than reading: only where an order was made or has ended since. */
  async function sweep(open: readonly LedgerOrder[], nextOrder: number): Promise<void> {
    const those = [...open.map(({ id }) => id), nextOrder].join();
    if (those === swept) return;
    await sweepOrderKeys(store, open);
    swept = those;
  }

  /** The orders that are open now; nothing is kept of the others. */
  async function look(): Promise<readonly LedgerOrder[]> {
    const read = await ledger.read();
    const open = viewUnresolved(read);
    await sweep(open, read.nextOrder);
    const ids = new Set(open.map(({ id }) => id));
    for (const kept of sets.values()) if (kept.left !== undefined && !ids.has(kept.left.id)) kept.left = undefined;
    for (const id of askAt.keys()) if (!ids.has(id)) askAt.delete(id);
    return open;
  }

  return {
    async settle(signal) {
      const now = system.now();
      // What is not stored yet is known to the last detail; only the store is behind.
      const unsaved = new Set([...sets.values()].map((kept) => kept.unsaved?.success?.order));
      const ask = (await look()).filter(({ id }) => !unsaved.has(id) && (askAt.get(id) ?? 0) <= now);
      if (ask.length > 0) {
        const owners = new Map(
          [...sets].map(([id, kept]) => {
            const { renew } = decideDue({ ...kept, cas: slice.cas }, now, () => 0);
            return [id, { kept, due: renew }];
          }),
        );
        const again = await settleOrders(ask, owners, slice, deps, signal);
        for (const { id } of ask) askAt.set(id, again.get(id) ?? Number.POSITIVE_INFINITY);
        await look();
      }
      return Math.min(...askAt.values());
    },
  };
}
