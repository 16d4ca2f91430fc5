import { describeError, SidecarError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { System } from '../base/system.ts';
import type { Lease, Store } from '../store/store.ts';
import type { Ca } from './ca.ts';
import type { PlannedCa } from './ca-plan.ts';
import type { KeyType } from './certificate-key.ts';
import { type IssuedCertificate, issueCertificate } from './issue-certificate.ts';
import type { LedgerOrder } from './ledger.ts';
import type { LedgerStore } from './ledger-store.ts';
import { mayOrder } from './limits.ts';
import type { NameSet } from './names.ts';
import { readOrderKey, writeOrderKey } from './order-keys.ts';
import { randomFraction } from './random.ts';
import { readFailure } from './read-failure.ts';
import {
  type OrderKey,
  recordAbandoned,
  recordFailure,
  recordOrder,
  recordOrderUrl,
  recordResumed,
  type Success,
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
  /** When the certificate in use ends; undefined where there is none. Milliseconds since the epoch. */
  readonly expires: number | undefined;
  readonly keyType: KeyType;
  readonly challengeOrder: readonly ChallengeType[];
  /** An order with a URL that was left in the middle, to go on with instead of making another. */
  readonly resume: LedgerOrder | undefined;
  /** The certificate is wanted for itself, so its key is stored before the CA is asked to sign. */
  readonly keepsKey: boolean;
}

export interface OrderDeps {
  readonly ledger: LedgerStore;
  readonly lease: Lease;
  readonly store: Store;
  readonly solvers: ReadonlyMap<ChallengeType, Solver>;
  readonly system: System;
  readonly log: Log;
}

/** A certificate, and what the ledger is to be told once that is stored (`recordSuccess`). */
export interface OrderedCertificate {
  readonly issued: IssuedCertificate;
  readonly success: Success;
}

/**
 * One attempt, kept in the ledger from before the CA hears of it until it is known how it ended. Rejects with what
 * went wrong, after that is in the ledger as well.
 */
export async function orderForSet(
  order: OrderForSet,
  deps: OrderDeps,
  signal: AbortSignal,
): Promise<OrderedCertificate> {
  const { set, target, replaces, resume, expires } = order;
  const { ledger, lease, store, system, log } = deps;
  const random = (): number => randomFraction(system);
  let id = resume?.id;
  let url = resume?.url;
  let account = '';
  const key = (): OrderKey => ({ ca: target.folder, account, set: set.id, names: set.names });
  // Of one that was left in the middle it is not known how far it got.
  let finalised = resume !== undefined;

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
      const recorded = recordOrder(settled, { ...key(), replaces, continues, expires }, now, random);
      id = recorded.id;
      finalised = false;
      return recorded.ledger;
    });
  }
  const ca: Ca = {
    ...target.ca,
    async newOrder(wish, until) {
      const made = await target.ca.newOrder(wish, until);
      url = made.url;
      if (id !== undefined) await ledger.update(lease, (before) => recordOrderUrl(before, id!, made.url));
      return made;
    },
    async finalize(made, csr, until) {
      finalised = true;
      return target.ca.finalize(made, csr, until);
    },
  };
  async function keepKey(keyPem: string): Promise<void> {
    if (!order.keepsKey || id === undefined || url === undefined) return;
    try {
      await writeOrderKey(lease, { id, url, set: set.id, ca: target.folder }, keyPem);
    } catch (error) {
      lease.lost.throwIfAborted();
      // Only a crash in the next seconds would lose the certificate; without it, it can still be used.
      log.warn(
        { names: set.names },
        `The key of an order is not stored before its certificate. ${describeError(error)}`,
      );
    }
  }
  async function readLeft(left: LedgerOrder & { readonly url: string }) {
    await ledger.update(lease, (before) => recordResumed(before, { ...key(), expires }, system.now(), random));
    return { order: await target.ca.readOrder(left.url, signal), keyPem: await readOrderKey(store, left) };
  }

  try {
    account = (await target.ca.account(signal)).url;
    const { profile, keyType, challengeOrder } = order;
    const left = resume?.url === undefined ? undefined : await readLeft({ ...resume, url: resume.url });
    const issued = await issueCertificate(
      { names: set.names, profile, replaces, keyType, challengeOrder, resume: left },
      { ...deps, ca, beforeOrder, keepKey },
      signal,
    );
    // Either it went on with an order, or `beforeOrder` has counted one.
    return { issued, success: { ...key(), challenges: issued.proved, order: id! } };
  } catch (error) {
    // Stopped, or no longer the keeper: the order stays unresolved in the ledger, which is the truth.
    signal.throwIfAborted();
    // Nothing failed: there is no room for the order yet.
    if (id === undefined && error instanceof SidecarError && error.code === LIMIT) throw error;
    const failure = { ...key(), order: id, finalised, expires, ...readFailure(error) };
    await ledger.update(lease, (before) => recordFailure(before, failure, system.now(), random));
    throw error;
  }
}
