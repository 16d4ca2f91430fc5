import { describeError, SidecarError } from '../base/errors.ts';
import { isStoreFailure } from '../store/store.ts';
import type { CaPlan, PlannedCa } from './ca-plan.ts';
import { finalizeOrder } from './finalize-order.ts';
import { judgeLeftOrder } from './judge-left-order.ts';
import type { AcmeKeeperSlice, LookAfterDeps } from './keeper-contract.ts';
import type { KeptSet } from './kept-set.ts';
import type { LedgerOrder } from './ledger.ts';
import { readOrderKey } from './order-keys.ts';
import { AcmeProblem } from './problem.ts';
import { NO_DIRECTORY } from './problem-kind.ts';
import { putInForce } from './put-in-force.ts';
import { isTransient } from './read-problem.ts';
import { recordAbandoned, recordLost } from './record-order.ts';

/** Milliseconds until an order is asked about again: one that the CA is working on, and where the CA is not reached. */
const WHILE_PROCESSING = 60_000;
const WHILE_UNREACHABLE = 30 * 60_000;
/** The same for one that a CA never seems to be done with: a part of its age, but at least twice a day. */
const PART_OF_AGE = 1 / 10;
const LONGEST_PAUSE = 12 * 3_600_000;
/** Milliseconds since it was made in which an order that nothing is known of is gone on with before another is made. */
const FRESH = 3_600_000;

type SettleDeps = Omit<LookAfterDeps, 'preflight' | 'solvers'>;

/** What is to be done with the certificate of an order, by the set that it is for. */
export interface OrderOwner {
  readonly kept: KeptSet;
  /** A new certificate is due now. */
  readonly due: boolean;
}

/**
 * Asks the CAs what became of orders that nobody works on: those of an earlier keeper, and those of this one that broke
 * off after the CA was asked to sign. One whose key is stored is finished, and its certificate put in force; one that can
 * be gone on with is noted in `KeptSet.left` for the next attempt; the others end in the ledger. Gives the instants at
 * which those are to be asked about again that it could not settle, by their numbers. Rejects with the signal's reason,
 * and where the store fails.
 */
export async function settleOrders(
  left: readonly LedgerOrder[],
  owners: ReadonlyMap<string, OrderOwner>,
  slice: Pick<AcmeKeeperSlice, 'cas' | 'keyType'>,
  deps: SettleDeps,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, number>> {
  const askAgain = new Map<number, number>();
  for (const order of left) {
    const owner = owners.get(order.set);
    const again = await settleOrder(order, owner, slice, deps, signal);
    if (again !== undefined) askAgain.set(order.id, again);
  }
  return askAgain;
}

async function settleOrder(
  order: LedgerOrder,
  owner: OrderOwner | undefined,
  slice: Pick<AcmeKeeperSlice, 'cas' | 'keyType'>,
  deps: SettleDeps,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { ledger, lease, system, log } = deps;
  const { url } = order;
  const abandon = (failedNames: readonly string[]) =>
    ledger.update(lease, (before) => recordAbandoned(before, order.id, system.now(), failedNames));
  const planned = findCa(order, slice.cas);
  if (url === undefined) {
    // The CA's answer never got here, so no certificate was asked for.
    await abandon([]);
    return undefined;
  }
  if (planned === undefined) return Number.POSITIVE_INFINITY;
  const usable = owner !== undefined && planned !== slice.cas.staging;
  /** What was to be gone on with is not any more once the CA takes too long over it: then another one is made. */
  const goOnWith = (wanted: boolean): void => {
    if (wanted) owner!.kept.left = order;
    else if (owner?.kept.left?.id === order.id) owner.kept.left = undefined;
  };
  let finishing = false;
  try {
    const found = await planned.ca.readOrder(url, signal);
    const keyPem = usable ? await readOrderKey(deps.store, order) : undefined;
    const wanted = usable && owner.due;
    const fate = judgeLeftOrder({ order, found, hasKey: keyPem !== undefined, wanted }, system.now());
    log.info({ order: url, names: order.names, status: found.status }, `An order was left in the middle. ${fate.why}`);
    switch (fate.do) {
      case 'finish': {
        finishing = true;
        const wish = { names: order.names, keyType: slice.keyType, keyPem };
        const issued = await finalizeOrder(found, wish, { ca: planned.ca, system }, signal);
        const { ca, account, set, names, id } = order;
        const success = { ca, account, set, names, order: id };
        await putInForce(owner!.kept, { ...issued, directory: planned.ca.directoryUrl, success }, deps, signal);
        return undefined;
      }
      case 'resume':
        goOnWith(true);
        return system.now() + WHILE_UNREACHABLE;
      case 'wait':
        goOnWith(wanted && fate.resume);
        return system.now() + chooseProcessingPause(system.now() - order.at, found.retryAfter);
      case 'lost':
        await ledger.update(lease, (before) => recordLost(before, order.id, system.now()));
        return undefined;
      case 'abandon':
        await abandon(fate.failedNames);
        return undefined;
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof AcmeProblem)) {
      if (isStoreFailure(error) || !(error instanceof SidecarError)) throw error;
      // An account that cannot be used, say. That may not keep others from being looked after, nor another CA from
      // being asked.
      log.warn({ err: error, order: url }, `An order that was left cannot be asked about. ${describeError(error)}`);
      return system.now() + WHILE_UNREACHABLE;
    }
    // Nobody but the CA knows what that means for the order: it is asked.
    if (finishing && error.problem.type !== 'wrong-certificate') return system.now() + WHILE_PROCESSING;
    if (error.problem.type !== NO_DIRECTORY && !isTransient(error)) {
      // The CA does not know it, say: the careful guess is that a certificate came of it.
      await ledger.update(lease, (before) => recordLost(before, order.id, system.now()));
      return undefined;
    }
    log.debug({ err: error, order: url }, 'An old order cannot be asked about yet; it counts against the limits.');
    if (usable && owner.due && system.now() - order.at < FRESH) goOnWith(true);
    return system.now() + WHILE_UNREACHABLE;
  }
}

/** Milliseconds; `retryAfter` in seconds. */
function chooseProcessingPause(age: number, retryAfter = 0): number {
  return Math.min(Math.max(WHILE_PROCESSING, age * PART_OF_AGE, retryAfter * 1_000), LONGEST_PAUSE);
}

function findCa(order: LedgerOrder, { production, staging }: CaPlan): PlannedCa | undefined {
  return [...production, ...(staging === undefined ? [] : [staging])].find(({ folder }) => folder === order.ca);
}
