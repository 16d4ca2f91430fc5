import type { System } from '../base/system.ts';
import type { Certificate } from '../tls/certificate.ts';
import type { CertificateSource } from '../tls/certificate-source.ts';
import type { Finding } from '../tls/check-certificate.ts';
import { makeBootstrapCertificate } from './bootstrap-certificate.ts';
import type { LedgerOrder } from './ledger.ts';
import type { NameSet } from './names.ts';
import type { Success } from './record-order.ts';
import type { HeldCertificate, StoredCertificate } from './stored-certificate.ts';

/** A certificate that is served and that the store or the ledger does not know of, not yet or not any more. */
export interface UnsavedCertificate {
  readonly stored: StoredCertificate;
  /** What the ledger is still to be told; undefined where it was. */
  readonly success: Success | undefined;
  /** How often storing it has failed. */
  readonly failures: number;
}

/** What the keeper knows of one set of names. The keeper alone writes it. */
export interface KeptSet {
  readonly set: NameSet;
  held: HeldCertificate | undefined;
  /** What is still to be stored of the certificate in force; undefined where the store has all of it. */
  unsaved: UnsavedCertificate | undefined;
  /** An order that was left in the middle, which the next attempt is to go on with. */
  left: LedgerOrder | undefined;
  bootstrap: Certificate | undefined;
  /** For some of its names, from the time before it was in the configuration. */
  standIns: readonly Certificate[];
  /**
   * When something is to be done next, and why; milliseconds since the epoch. `attempt` is when a certificate is next to
   * be got, where that is later.
   */
  next: { readonly at: number; readonly why: string; readonly attempt?: number };
  /** How the last attempt ended, as far as is known here. */
  last: { readonly at: number; readonly ok: boolean; readonly what: string } | undefined;
  /** Why preflight forbids an order, as the store has it; undefined where it does not, null before that is known. */
  veto: string | undefined | null;
  /** What preflight advised last, which the log has. */
  advice: ReadonlySet<string>;
  /** The operator asked for a renewal that was not due, as the ledger has it. */
  asked: boolean;
  findings: readonly Finding[];
  readonly listeners: Set<() => void>;
}

export function createKeptSet(set: NameSet): KeptSet {
  return {
    set,
    held: undefined,
    unsaved: undefined,
    left: undefined,
    bootstrap: undefined,
    standIns: [],
    next: { at: 0, why: 'Nothing was looked at yet.' },
    last: undefined,
    veto: null,
    advice: new Set(),
    asked: false,
    findings: [],
    listeners: new Set(),
  };
}

/** What is served for the set: the CA's certificate, even when it has expired; before the first, the bootstrap one. */
export function servedCertificate(kept: KeptSet): Certificate | undefined {
  return kept.held?.certificate ?? kept.bootstrap;
}

/** Puts a certificate from the store in force. True when it is another than before. */
export function adoptCertificate(kept: KeptSet, held: HeldCertificate): boolean {
  const changed = held.certificate.fingerprint256 !== kept.held?.certificate.fingerprint256;
  kept.held = changed || kept.held === undefined ? held : { stored: held.stored, certificate: kept.held.certificate };
  if (changed) for (const listener of kept.listeners) listener();
  return changed;
}

/** The set as the certificate keeper of tls/ sees it: one source among files and development CA. */
export function createSetSource(
  kept: KeptSet,
  deps: { readonly system: System; load(kept: KeptSet): Promise<void>; reload(kept: KeptSet): Promise<void> },
): CertificateSource {
  return {
    async load() {
      await deps.load(kept);
      if (kept.held === undefined) kept.bootstrap = await makeBootstrapCertificate(kept.set.names, deps.system);
      return servedCertificate(kept)!;
    },
    current: () => servedCertificate(kept),
    standIns: () => (kept.held === undefined ? kept.standIns : []),
    findings: () => kept.findings,
    reload: () => deps.reload(kept),
    onChange(listener) {
      kept.listeners.add(listener);
      return () => void kept.listeners.delete(listener);
    },
    // The keeper is closed as a whole.
    close: () => kept.listeners.clear(),
  };
}
