import type { CaPlan } from './ca-plan.ts';
import type { LookAfterDeps } from './keeper-contract.ts';
import type { LedgerOrder } from './ledger.ts';
import { recordAbandoned, recordLost } from './record-order.ts';

/**
 * Asks the CAs how the orders ended that an earlier keeper left. Their keys died with the process that made them, so
 * whatever came of them is lost: a certificate counts against the limits, nothing else does. Gives back those that could
 * not be asked about.
 */
export async function settleOrders(
  left: readonly LedgerOrder[],
  cas: CaPlan,
  deps: Pick<LookAfterDeps, 'ledger' | 'lease' | 'system' | 'log'>,
  signal: AbortSignal,
): Promise<readonly LedgerOrder[]> {
  const { ledger, lease, system, log } = deps;
  const planned = [...cas.production, ...(cas.staging === undefined ? [] : [cas.staging])];
  const unknown: LedgerOrder[] = [];
  for (const order of left) {
    const ca = planned.find(({ folder }) => folder === order.ca)?.ca;
    if (ca === undefined || order.url === undefined) continue;
    try {
      const { status } = await ca.readOrder(order.url, signal);
      if (status === 'processing') unknown.push(order);
      else if (status === 'valid') await ledger.update(lease, (before) => recordLost(before, order.id, system.now()));
      else {
        // An invalid order does not say which of its names failed; all of them is the careful guess.
        const failed = status === 'invalid' ? order.names : [];
        await ledger.update(lease, (before) => recordAbandoned(before, order.id, system.now(), failed));
      }
    } catch (error) {
      signal.throwIfAborted();
      unknown.push(order);
      log.debug(
        { err: error, order: order.url },
        'An old order cannot be asked about yet; it counts against the limits.',
      );
    }
  }
  return unknown;
}
