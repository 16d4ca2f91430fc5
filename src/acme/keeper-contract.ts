import type { Log } from '../base/log.ts';
import type { System } from '../base/system.ts';
import type { Lease, Store } from '../store/store.ts';
import type { CaClock } from './ca-clock.ts';
import type { CaPlan } from './ca-plan.ts';
import type { KeyType } from './certificate-key.ts';
import type { Ledger } from './ledger.ts';
import type { LedgerStore } from './ledger-store.ts';
import type { NameSet } from './names.ts';
import type { PreflightVerdict } from './preflight.ts';
import type { ChallengeType, Solver } from './solver.ts';

export interface AcmeKeeperSlice {
  readonly sets: readonly NameSet[];
  readonly cas: CaPlan;
  /** The types that are switched on, the preferred first. */
  readonly challenges: readonly ChallengeType[];
  readonly listeners: { readonly http: boolean; readonly https: boolean };
  readonly keyType: KeyType;
  readonly profile: string | undefined;
}

export interface AcmeKeeperDeps {
  readonly system: System;
  /** What time it is by the CAs; undefined where this machine's clock is to be believed. */
  readonly clock?: CaClock | undefined;
  readonly log: Log;
  readonly store: Store;
  readonly solvers: ReadonlyMap<ChallengeType, Solver>;
  /** Finds out whether an order can succeed; undefined where that is nobody's business (tests, private CAs). */
  readonly preflight:
    | ((set: NameSet, ca: CaPlan['production'][0], ledger: Ledger, signal: AbortSignal) => Promise<PreflightVerdict>)
    | undefined;
  /** Connects to ourselves after a swap and says what is wrong with what is served there; undefined when nothing is. */
  readonly selfCheck: ((set: NameSet, fingerprint256: string) => Promise<string | undefined>) | undefined;
  /** Hears how each attempt ended at the CA with this directory, to count it. */
  onAttempt(directory: string, result: 'issued' | 'rehearsed' | 'failed'): void;
}

/** What looking after one set needs beside that: the ledger, and the right to write it. */
export interface LookAfterDeps extends AcmeKeeperDeps {
  readonly ledger: LedgerStore;
  readonly lease: Lease;
}
