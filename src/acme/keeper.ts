import { describeError, errorCode } from '../base/errors.ts';
import { isStoreFailure, type Lease } from '../store/store.ts';
import type { CertificateSource } from '../tls/certificate-source.ts';
import { findStandIns } from './find-stand-ins.ts';
import type { AcmeKeeperDeps, AcmeKeeperSlice, LookAfterDeps } from './keeper-contract.ts';
import { createKeeperTrouble } from './keeper-trouble.ts';
import { createKeptSet, createSetSource, type KeptSet, servedCertificate } from './kept-set.ts';
import { createLedgerStore, LEDGER_KEY } from './ledger-store.ts';
import { createLeftOrders } from './left-orders.ts';
import { lookAfterSet } from './look-after-set.ts';
import { pause } from './pause.ts';
import { saveUnsaved } from './put-in-force.ts';
import { recordTakeover } from './record-order.ts';
import { recordRequest } from './record-request.ts';
import { REQUESTS_PREFIX, takeRenewalRequest } from './renewal-request.ts';
import { settleClock } from './settle-clock.ts';
import { CERTIFICATES_PREFIX, certificateKey } from './stored-certificate.ts';
import { createStoredSets } from './stored-sets.ts';
import { createUnneededSweep, listUnneeded, type UnneededCertificate } from './unneeded-sets.ts';
import { createWakeableSleep } from './wakeable-sleep.ts';

/** The name of the lease whose holder orders certificates; everybody serves them. */
export const KEEPER_LEASE = 'acme-keeper';
/** Milliseconds between two tries to become the keeper. */
const LEASE_RETRY = 5_000;
/** The clock may be set and the machine may sleep, which a longer timer would not notice. */
const LONGEST_SLEEP = 10 * 60_000;
/** When the store could not be read or written; and when it could, but for the value of one set. */
const AFTER_STORE_TROUBLE = 30_000;
const AFTER_UNREADABLE = 10 * 60_000;

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
  /** Who does where it does not: not known before the first look; `stuck`: nobody, for the store cannot be written. */
  readonly other: OtherKeeper;
  /** When a certificate is next to be got, and why then. */
  readonly next: { readonly at: number; readonly why: string };
  readonly last: { readonly at: number; readonly ok: boolean; readonly what: string } | undefined;
}

export type OtherKeeper =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'another' }
  | { readonly kind: 'stuck'; readonly why: string };

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

  const stored = createStoredSets(deps);
  const trouble = createKeeperTrouble(deps);
  const unreadable = new Set<KeptSet>();
  const unsubscribe = store.onChange(CERTIFICATES_PREFIX, (key) => {
    for (const kept of sets.values()) if (key === certificateKey(kept.set.id)) void follow(kept);
  });
  /** Whoever is the keeper brings back what the store has lost. */
  async function follow(kept: KeptSet): Promise<void> {
    if ((await stored.follow(kept)) || unreadable.has(kept)) sleep.wake();
  }

  let before: Promise<readonly UnneededCertificate[]> | undefined;
  /** Before the first certificate of a set, those of the sets that its names were in before. */
  async function standIn(kept: KeptSet): Promise<void> {
    // Read once for all sets that have none.
    before ??= listUnneeded(store, new Set(sets.keys())).catch(() => []);
    kept.standIns = findStandIns(await before, kept.set.names, system.now());
    const names = [...new Set(kept.standIns.flatMap(({ dnsNames, ipAddresses }) => [...dnsNames, ...ipAddresses]))];
    if (names.length > 0) log.info({ names }, 'Certificates from before are served until there is one for all names.');
  }

  const stopListening = store.onChange(REQUESTS_PREFIX, () => sleep.wake());

  /** What the operator asked for, here or in another process: a renewal now, as far as the CA's limits allow. */
  async function heedRequest(lease: Lease): Promise<void> {
    await takeRenewalRequest(store, async (request) => {
      const asked = [...sets.values()].filter(({ set }) => request.sets === 'all' || request.sets.includes(set.id));
      await ledger.update(lease, (before) =>
        asked.reduce((now, { set }) => recordRequest(now, set.id, set.names), before),
      );
    });
    const { asked = [] } = await ledger.read();
    for (const kept of sets.values()) kept.asked = asked.includes(kept.set.id);
  }

  /** Brings together what is in force and what is stored. False where the store does not give the value of this set. */
  async function compare(kept: KeptSet, keeping: LookAfterDeps): Promise<boolean> {
    try {
      // Somebody else may have done the work since we last looked.
      const isLacking = await stored.read(kept);
      if (isLacking) kept.unsaved ??= { stored: kept.held!.stored, success: undefined, failures: 0 };
      unreadable.delete(kept);
    } catch (error) {
      keeping.lease.lost.throwIfAborted();
      const names = kept.set.names.join(', ');
      const why = `The certificate for ${names} cannot be looked after at the moment; serving goes on. ${describeError(error)}`;
      kept.next = { at: system.now() + AFTER_UNREADABLE, why };
      // Once: one value that cannot be read must not cost the others anything.
      (unreadable.has(kept) ? log.debug : log.warn).call(log, { err: error, names: kept.set.names }, why);
      unreadable.add(kept);
      return false;
    }
    await saveUnsaved(kept, keeping);
    return kept.unsaved === undefined;
  }

  /** Those whose certificates end first come first; one order may take many minutes. */
  function inTurn(): readonly KeptSet[] {
    const endOf = ({ held }: KeptSet): number => held?.certificate.notAfter ?? Number.MAX_VALUE;
    return [...sets.values()].sort((a, b) => endOf(a) - endOf(b));
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
    const unneeded = createUnneededSweep(new Set(sets.keys()), deps);
    let settledClock = 0;
    while (!signal.aborted) {
      await askTime(signal);
      if (clock !== undefined && clock.changes() !== settledClock) {
        settledClock = clock.changes();
        await ledger.update(lease, (before) => settleClock(before, system.now()));
      }
      await heedRequest(lease);
      const ready = new Set<KeptSet>();
      for (const kept of sets.values()) if (await compare(kept, keeping)) ready.add(kept);
      const settleAt = await left.settle(signal);
      for (const kept of inTurn()) {
        // The clock may have been set since.
        await askTime(signal);
        if (signal.aborted) return;
        if (ready.has(kept) && kept.unsaved === undefined) await lookAfterSet(kept, slice, keeping, signal);
      }
      trouble.over();
      const sweepAt = await unneeded.sweep();
      const due = [...sets.values()].map(({ next }) => next.at);
      await sleep.until(Math.min(...due, settleAt, sweepAt), signal);
    }
  }

  let leads = false;
  let other: OtherKeeper = { kind: 'unknown' };

  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        const lease = await store.acquireLease(KEEPER_LEASE);
        other = { kind: lease === undefined ? 'another' : 'unknown' };
        if (lease === undefined) {
          trouble.over();
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
        trouble.say(error);
        const isStuck = isStoreFailure(error) && errorCode(error) !== 'store-lease-lost';
        other = isStuck ? { kind: 'stuck', why: describeError(error) } : { kind: 'unknown' };
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
          if (kept.held === undefined) await standIn(kept);
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
        other,
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
