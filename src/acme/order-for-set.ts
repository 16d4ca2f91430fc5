import { SidecarError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { System } from '../base/system.ts';
import type { Lease } from '../store/store.ts';
import type { Ca } from './ca.ts';
import type { PlannedCa } from './ca-plan.ts';
import type { KeyType } from './certificate-key.ts';
import { type IssuedCertificate, issueCertificate } from './issue-certificate.ts';
import type { LedgerStore } from './ledger-store.ts';
import { mayOrder } from './limits.ts';
import type { NameSet } from './names.ts';
import { randomFraction } from './random.ts';
import { readFailure } from './read-failure.ts';
import {
  type OrderKey,
  recordAbandoned,
  recordFailure,
  recordOrder,
  recordOrderUrl,
  recordSuccess,
} from './record-order.ts';
import type { RenewalNeed } from './renewal.ts';
import type { ChallengeType, Solver } from './solver.ts';

const LIMIT = 'acme-limit';

export interface OrderForSet {
  readonly set: NameSet;
  readonly target: PlannedCa;
  readonly profile: string | undefined;
  readonly replaces: string | undefined;
  readonly need: RenewalNeed;
  readonly keyType: KeyType;
  readonly challengeOrder: readonly ChallengeType[];
}

export interface OrderDeps {
  readonly ledger: LedgerStore;
  readonly lease: Lease;
  readonly solvers: ReadonlyMap<ChallengeType, Solver>;
  readonly system: System;
  readonly log: Log;
}

/**
 * One attempt, kept in the ledger from before the CA hears of it until it is known how it ended. Rejects with what
 * went wrong, after that is in the ledger as well.
 */
export async function orderForSet(
  order: OrderForSet,
  deps: OrderDeps,
  signal: AbortSignal,
): Promise<IssuedCertificate> {
  const { set, target, replaces } = order;
  const { ledger, lease, system } = deps;
  const random = (): number => randomFraction(system);
  let id: number | undefined;
  let account = '';
  const key = (): OrderKey => ({ ca: target.folder, account, set: set.id, names: set.names });
  let finalised = false;

  async function beforeOrder(failedNames: readonly string[]): Promise<void> {
    await ledger.update(lease, (before) => {
      const now = system.now();
      const continues = id !== undefined;
      const settled = id === undefined ? before : recordAbandoned(before, id, now, failedNames);
      const permission = mayOrder(settled, { ...key(), replaces, need: order.need }, now, target.limits);
      if (!permission.allowed) {
        const retryAfter = Math.ceil((permission.nextAllowedAt - now) / 1000);
        throw new SidecarError(permission.why, { code: 'acme-limit', blame: 'operator', retryAfter });
      }
      const recorded = recordOrder(settled, { ...key(), replaces, continues }, now, random);
      id = recorded.id;
      finalised = false;
      return recorded.ledger;
    });
  }
  const ca: Ca = {
    ...target.ca,
    async newOrder(wish, until) {
      const made = await target.ca.newOrder(wish, until);
      if (id !== undefined) await ledger.update(lease, (before) => recordOrderUrl(before, id!, made.url));
      return made;
    },
    async finalize(made, csr, until) {
      finalised = true;
      return target.ca.finalize(made, csr, until);
    },
  };

  try {
    account = (await target.ca.account(signal)).url;
    const { profile, keyType, challengeOrder } = order;
    const issued = await issueCertificate(
      { names: set.names, profile, replaces, keyType, challengeOrder },
      { ...deps, ca, beforeOrder },
      signal,
    );
    const success = { ...key(), challenges: issued.proved };
    await ledger.update(lease, (before) =>
      id === undefined ? before : recordSuccess(before, { ...success, order: id }, system.now()),
    );
    return issued;
  } catch (error) {
    // Stopped, or no longer the keeper: the order stays unresolved in the ledger, which is the truth.
    signal.throwIfAborted();
    // Nothing failed: there is no room for the order yet.
    if (id === undefined && error instanceof SidecarError && error.code === LIMIT) throw error;
    const failure = { ...key(), order: id, finalised, ...readFailure(error) };
    await ledger.update(lease, (before) => recordFailure(before, failure, system.now(), random));
    throw error;
  }
}
