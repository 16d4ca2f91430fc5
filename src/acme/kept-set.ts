import type { System } from '../base/system.ts';
import type { Certificate } from '../tls/certificate.ts';
import type { CertificateSource } from '../tls/certificate-source.ts';
import type { Finding } from '../tls/check-certificate.ts';
import { makeBootstrapCertificate } from './bootstrap-certificate.ts';
import type { NameSet } from './names.ts';
import type { HeldCertificate } from './stored-certificate.ts';
import { NO_RISK, type RiskState } from './warn.ts';

/** What the keeper knows of one set of names. The keeper alone writes it. */
export interface KeptSet {
  readonly set: NameSet;
  held: HeldCertificate | undefined;
  bootstrap: Certificate | undefined;
  /** When something is to be done next, and why; milliseconds since the epoch. */
  next: { readonly at: number; readonly why: string };
  /** How the last attempt of this process ended. */
  last: { readonly at: number; readonly ok: boolean; readonly what: string } | undefined;
  /** The operator asked for a renewal that was not due. */
  asked: boolean;
  findings: readonly Finding[];
  risk: RiskState;
  readonly listeners: Set<() => void>;
}

export function createKeptSet(set: NameSet): KeptSet {
  return {
    set,
    held: undefined,
    bootstrap: undefined,
    next: { at: 0, why: 'Nothing was looked at yet.' },
    last: undefined,
    asked: false,
    findings: [],
    risk: NO_RISK,
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
