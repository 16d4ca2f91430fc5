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
import type { ChallengeType, Solver } from './solver.ts';

export interface OrderForSet {
  readonly set: NameSet;
  readonly target: PlannedCa;
  readonly profile: string | undefined;
  readonly replaces: string | undefined;
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
  const earlier: number[] = [];

  async function beforeOrder(): Promise<void> {
    await ledger.update(lease, (before) => {
      if (id !== undefined) earlier.push(id);
      const now = system.now();
      const permission = mayOrder(before, { ...key(), replaces }, now, target.limits);
      if (!permission.allowed) {
        throw new SidecarError(permission.why, {
          code: 'acme-limit',
          blame: 'operator',
          retryAfter: Math.ceil((permission.nextAllowedAt - now) / 1000),
        });
      }
      const recorded = recordOrder(before, { ...key(), replaces }, now, random);
      id = recorded.id;
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
  };

  try {
    account = (await target.ca.account(signal)).url;
    const { profile, keyType, challengeOrder } = order;
    const issued = await issueCertificate(
      { names: set.names, profile, replaces, keyType, challengeOrder },
      { ...deps, ca, beforeOrder },
      signal,
    );
    const challenges = issued.proved;
    await ledger.update(lease, (before) => {
      const settled = earlier.reduce((now, one) => recordAbandoned(now, one, system.now()), before);
      return id === undefined ? settled : recordSuccess(settled, { ...key(), order: id, challenges }, system.now());
    });
    return issued;
  } catch (error) {
    // Stopped, or no longer the keeper: the order stays unresolved in the ledger, which is the truth.
    signal.throwIfAborted();
    const { problem, retryAfter, challenges } = readFailure(error);
    await ledger.update(lease, (before) => {
      const settled = earlier.reduce((now, one) => recordAbandoned(now, one, system.now()), before);
      return recordFailure(settled, { ...key(), order: id, problem, retryAfter, challenges }, system.now(), random);
    });
    throw error;
  }
}
