import { describeError } from '../base/errors.ts';
import type { Lease } from '../store/store.ts';
import type { CertificateSource } from '../tls/certificate-source.ts';
import type { AcmeKeeperDeps, AcmeKeeperSlice } from './keeper-contract.ts';
import { adoptCertificate, createKeptSet, createSetSource, type KeptSet } from './kept-set.ts';
import type { LedgerOrder } from './ledger.ts';
import { createLedgerStore } from './ledger-store.ts';
import { lookAfterSet } from './look-after-set.ts';
import { pause } from './pause.ts';
import { recordOperatorActed, recordTakeover } from './record-order.ts';
import { REQUESTS_PREFIX, takeRenewalRequest } from './renewal-request.ts';
import { settleOrders } from './settle-orders.ts';
import { CERTIFICATES_PREFIX, readCertificate } from './stored-certificate.ts';
import { createWakeableSleep } from './wakeable-sleep.ts';
import { assessRisk } from './warn.ts';

/** The name of the lease whose holder orders certificates; everybody serves them. */
export const KEEPER_LEASE = 'acme-keeper';
/** Milliseconds between two tries to become the keeper. */
const LEASE_RETRY = 5_000;
/** The clock may be set and the machine may sleep, which a longer timer would not notice. */
const LONGEST_SLEEP = 10 * 60_000;
/** Milliseconds until orders of an earlier keeper's are asked about again, where the CA could not be reached. */
const SETTLE_AGAIN = 30 * 60_000;
/** When the store could not be read or written. */
const AFTER_STORE_TROUBLE = 30_000;

/** What an operator can ask about one certificate. */
export interface SetStatus {
  readonly id: string;
  readonly names: readonly string[];
  readonly why: string;
  /** Undefined before the first real one. */
  readonly notAfter: number | undefined;
  readonly directory: string | undefined;
  readonly next: { readonly at: number; readonly why: string };
  readonly last: { readonly at: number; readonly ok: boolean; readonly what: string } | undefined;
}

/** Keeps the certificates of a configuration: one process orders, all of them serve. */
export interface AcmeKeeper {
  sourceFor(setId: string): CertificateSource;
  status(): readonly SetStatus[];
  /** Stops at once; an order under way is left to whoever is the keeper next. Idempotent. */
  close(): Promise<void>;
}

export function createAcmeKeeper(slice: AcmeKeeperSlice, deps: AcmeKeeperDeps): AcmeKeeper {
  const { system, log, store } = deps;
  const sets = new Map(slice.sets.map((set) => [set.id, createKeptSet(set)]));
  const closing = new AbortController();
  const ledger = createLedgerStore(store, { system, note: (sentence) => log.warn({ code: 'acme-ledger' }, sentence) });
  const sleep = createWakeableSleep(LONGEST_SLEEP, deps);

  async function readSet(kept: KeptSet): Promise<void> {
    const held = await readCertificate(store, kept.set.id);
    if (held !== undefined && adoptCertificate(kept, held)) {
      log.info(
        { names: kept.set.names, not_after: new Date(held.certificate.notAfter).toISOString() },
        'A certificate is in force.',
      );
    }
  }

  /** What another process did, or the operator: never rejects. */
  async function follow(kept: KeptSet): Promise<void> {
    try {
      await readSet(kept);
    } catch (error) {
      log.warn({ err: error, names: kept.set.names }, `The stored certificate cannot be read: ${describeError(error)}`);
    }
  }
  const unsubscribe = store.onChange(CERTIFICATES_PREFIX, (key) => {
    for (const kept of sets.values()) if (key === `${CERTIFICATES_PREFIX}${kept.set.id}.json`) void follow(kept);
  });

  const stopListening = store.onChange(REQUESTS_PREFIX, () => sleep.wake());

  /** What the operator asked for, here or in another process: a renewal now, as far as the CA's limits allow. */
  async function heedRequest(lease: Lease): Promise<void> {
    const request = await takeRenewalRequest(store);
    if (request === undefined) return;
    const asked = [...sets.values()].filter(({ set }) => request.sets === 'all' || request.sets.includes(set.id));
    for (const kept of asked) kept.asked = true;
    await ledger.update(lease, (before) =>
      asked.reduce((now, { set }) => recordOperatorActed(now, set.id, set.names), before),
    );
  }

  async function keep(lease: Lease): Promise<void> {
    const signal = AbortSignal.any([lease.lost, closing.signal]);
    let left: readonly LedgerOrder[] = [];
    await ledger.update(lease, (before) => {
      const taken = recordTakeover(before, system.now());
      left = taken.ask;
      return taken.ledger;
    });
    let settleAt = 0;
    while (!signal.aborted) {
      if (left.length > 0 && system.now() >= settleAt) {
        left = await settleOrders(left, slice.cas, { ...deps, ledger, lease }, signal);
        settleAt = system.now() + SETTLE_AGAIN;
      }
      await heedRequest(lease);
      for (const kept of sets.values()) {
        if (signal.aborted) return;
        // Somebody else may have done the work since we last looked.
        await readSet(kept);
        await lookAfterSet(kept, slice, { ...deps, ledger, lease }, signal);
        announceRisk(kept);
      }
      const due = [...sets.values()].map(({ next }) => next.at);
      await sleep.until(Math.min(...due, left.length > 0 ? settleAt : Number.POSITIVE_INFINITY), signal);
    }
  }

  function announceRisk(kept: KeptSet): void {
    if (kept.held === undefined) return;
    const { certificate } = kept.held;
    const { state, events } = assessRisk(
      kept.risk,
      { certificate: kept.set.names.join(', '), validity: certificate, next: kept.next },
      system.now(),
    );
    kept.risk = state;
    for (const event of events) deps.onRisk(kept.set, event);
  }

  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        const lease = await store.acquireLease(KEEPER_LEASE);
        if (lease === undefined) {
          for (const kept of sets.values()) announceRisk(kept);
          await pause(system, LEASE_RETRY, closing.signal);
          continue;
        }
        try {
          await keep(lease);
        } finally {
          await lease.release();
        }
      } catch (error) {
        if (closing.signal.aborted) return;
        log.warn(
          { err: error },
          `Certificates cannot be looked after at the moment; serving goes on. ${describeError(error)}`,
        );
        await pause(system, AFTER_STORE_TROUBLE, closing.signal).catch(() => {});
      }
    }
  }
  let running: Promise<void> | undefined;

  return {
    sourceFor(setId) {
      return createSetSource(sets.get(setId)!, {
        system,
        async load(kept) {
          await follow(kept);
          running ??= run();
        },
        reload: follow,
      });
    },
    status: () =>
      [...sets.values()].map(({ set, held, next, last }) => ({
        id: set.id,
        names: set.names,
        why: set.why,
        notAfter: held?.certificate.notAfter,
        directory: held?.stored.directory,
        next,
        last,
      })),
    async close() {
      closing.abort();
      unsubscribe();
      stopListening();
      await running?.catch(() => {});
    },
  };
}
