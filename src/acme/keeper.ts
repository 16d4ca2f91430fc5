import { describeError, errorCode } from '../base/errors.ts';
import type { Lease } from '../store/store.ts';
import type { CertificateSource } from '../tls/certificate-source.ts';
import { decideAdoption } from './decide-adoption.ts';
import type { AcmeKeeperDeps, AcmeKeeperSlice } from './keeper-contract.ts';
import { adoptCertificate, createKeptSet, createSetSource, type KeptSet, servedCertificate } from './kept-set.ts';
import { createLedgerStore, LEDGER_KEY } from './ledger-store.ts';
import { createLeftOrders } from './left-orders.ts';
import { lookAfterSet } from './look-after-set.ts';
import { pause } from './pause.ts';
import { saveUnsaved } from './put-in-force.ts';
import { recordOperatorActed, recordTakeover } from './record-order.ts';
import { REQUESTS_PREFIX, takeRenewalRequest } from './renewal-request.ts';
import { settleClock } from './settle-clock.ts';
import { CERTIFICATES_PREFIX, readCertificate } from './stored-certificate.ts';
import { createWakeableSleep } from './wakeable-sleep.ts';

/** The name of the lease whose holder orders certificates; everybody serves them. */
export const KEEPER_LEASE = 'acme-keeper';
/** Milliseconds between two tries to become the keeper. */
const LEASE_RETRY = 5_000;
/** The clock may be set and the machine may sleep, which a longer timer would not notice. */
const LONGEST_SLEEP = 10 * 60_000;
/** When the store could not be read or written. */
const AFTER_STORE_TROUBLE = 30_000;

/** What an operator can ask about one certificate. */
export interface SetStatus {
  readonly id: string;
  readonly names: readonly string[];
  readonly why: string;
  /** The SHA-256 of the certificate that is served, as `Certificate.fingerprint256`. */
  readonly served: string | undefined;
  /** Undefined before the first real one. */
  readonly notAfter: number | undefined;
  readonly directory: string | undefined;
  /** Whether this process orders. Where it does not, `next` says nothing. */
  readonly leads: boolean;
  /** When a certificate is next to be got, and why then. */
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

export function createAcmeKeeper(slice: AcmeKeeperSlice, given: AcmeKeeperDeps): AcmeKeeper {
  const { log, store, clock } = given;
  const system = clock?.system ?? given.system;
  const deps = { ...given, system };
  const sets = new Map(slice.sets.map((set) => [set.id, createKeptSet(set)]));
  const closing = new AbortController();
  const ledger = createLedgerStore(store, {
    system,
    note: (sentence) => log.warn({ code: 'acme-ledger', file: store.where(LEDGER_KEY) }, sentence),
  });
  const sleep = createWakeableSleep(LONGEST_SLEEP, deps);

  const damaged = new Set<KeptSet>();
  /** Once: the store is looked at often, and nobody can mend it in between. */
  function announceDamage(kept: KeptSet, where: string): void {
    if (damaged.has(kept)) return;
    damaged.add(kept);
    const hint =
      'Nothing has to be done: what is in force stays so, and where nothing is, a new one is ordered as far as the limits of the CA allow. Restoring the file from a backup spares that order.';
    const fields = { code: 'acme-certificate-damaged', names: kept.set.names, hint };
    log.warn(fields, `The stored certificate for ${kept.set.names.join(', ')} is damaged: ${where}.`);
  }

  async function readSet(kept: KeptSet): Promise<void> {
    const held = await readCertificate(store, kept.set.id, (where) => announceDamage(kept, where));
    if (held === undefined) return;
    damaged.delete(kept);
    const { adopt, why } = decideAdoption(held.certificate, kept.held?.certificate, kept.unsaved !== undefined);
    if (!adopt) return log.debug({ names: kept.set.names }, why);
    if (adoptCertificate(kept, held)) {
      // Somebody else has got a newer one than the one that could not be stored.
      kept.unsaved = undefined;
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

  /** Where it is not known whether our clock is right, a CA is asked before anything is decided by it. */
  async function askTime(signal: AbortSignal): Promise<void> {
    if (clock === undefined || clock.ahead() !== undefined) return;
    try {
      await slice.cas.production[0].ca.askTime(signal);
    } catch (error) {
      if (!signal.aborted) log.debug({ err: error }, 'The CA does not say what time it is; our clock is believed.');
    }
  }

  async function keep(lease: Lease): Promise<void> {
    const signal = AbortSignal.any([lease.lost, closing.signal]);
    const keeping = { ...deps, ledger, lease };
    await ledger.update(lease, (before) => recordTakeover(before, system.now()).ledger);
    const left = createLeftOrders(sets, slice, keeping);
    let settledClock = 0;
    while (!signal.aborted) {
      await askTime(signal);
      if (clock !== undefined && clock.changes() !== settledClock) {
        settledClock = clock.changes();
        await ledger.update(lease, (before) => settleClock(before, system.now()));
      }
      await heedRequest(lease);
      for (const kept of sets.values()) {
        // Somebody else may have done the work since we last looked.
        await readSet(kept);
        await saveUnsaved(kept, keeping);
      }
      const settleAt = await left.settle(signal);
      for (const kept of sets.values()) {
        // The clock may have been set since.
        await askTime(signal);
        if (signal.aborted) return;
        if (kept.unsaved === undefined) await lookAfterSet(kept, slice, keeping, signal);
      }
      sayRecovery();
      const due = [...sets.values()].map(({ next }) => next.at);
      await sleep.until(Math.min(...due, settleAt), signal);
    }
  }

  let leads = false;
  /** Of what went wrong since it last went well, the error's code. */
  let trouble: string | undefined;

  /** Once for each kind, however often it is tried: a database may be away for hours. */
  function sayTrouble(error: unknown): void {
    const kind = errorCode(error) ?? 'unknown';
    const say = kind === trouble ? log.debug : log.warn;
    trouble = kind;
    const what = `Certificates cannot be looked after at the moment; serving goes on. ${describeError(error)}`;
    say.call(log, { err: error }, what);
  }

  function sayRecovery(): void {
    if (trouble !== undefined) log.info({}, 'Certificates are looked after again.');
    trouble = undefined;
  }

  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        const lease = await store.acquireLease(KEEPER_LEASE);
        if (lease === undefined) {
          sayRecovery();
          await pause(system, LEASE_RETRY, closing.signal);
          continue;
        }
        try {
          leads = true;
          await keep(lease);
        } finally {
          leads = false;
          await lease.release();
        }
      } catch (error) {
        if (closing.signal.aborted) return;
        sayTrouble(error);
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
      [...sets.values()].map((kept) => ({
        id: kept.set.id,
        names: kept.set.names,
        why: kept.set.why,
        served: servedCertificate(kept)?.fingerprint256,
        notAfter: kept.held?.certificate.notAfter,
        directory: kept.held?.stored.directory,
        leads,
        next: { at: kept.next.attempt ?? kept.next.at, why: kept.next.why },
        last: kept.last ?? issuedBefore(kept),
      })),
    async close() {
      closing.abort();
      unsubscribe();
      stopListening();
      await running?.catch(() => {});
    },
  };
}

/** Known to every process from the certificate itself. */
function issuedBefore({ held }: KeptSet): SetStatus['last'] {
  return held === undefined ? undefined : { at: held.stored.issuedAt, ok: true, what: 'A certificate was issued.' };
}
