import { describeError, SidecarError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { System } from '../base/system.ts';
import type { Certificate } from './certificate.ts';
import { createCertificateFiles } from './certificate-files.ts';
import { type CertificateSet, createCertificateSet } from './certificate-set.ts';
import type { CertificateSource } from './certificate-source.ts';
import type { Finding } from './check-certificate.ts';
import type { DevelopmentCa } from './development-ca.ts';
import { createLocalCertificate } from './local-certificate.ts';
import type { CertificateFilesSource } from './read-certificate-files.ts';
import { readTrustedRoots } from './trusted-roots.ts';

/** One certificate that the configuration asks for: for whom, on which listeners, and where it comes from. */
export interface PlannedCertificate {
  /** Host names and address literals that it has to cover; at least one. */
  readonly names: readonly string[];
  /** `federation`: on the federation listener only, where it comes before the others for its names. */
  readonly listener: 'all' | 'federation';
  readonly source:
    | { readonly kind: 'local' }
    | { readonly kind: 'files'; readonly files: CertificateFilesSource }
    /** Kept by somebody else: an ACME CA's. */
    | { readonly kind: 'given'; readonly source: CertificateSource };
}

/** A finding, and for which planned certificate. */
export interface KeptFinding extends Finding {
  readonly names: readonly string[];
}

export interface CertificateKeeperDeps {
  readonly system: System;
  readonly log: Log;
  readonly developmentCa: DevelopmentCa;
}

/** All certificates of the sidecar, each kept fresh by its source. */
export interface CertificateKeeper {
  /** The set to serve now. Without planned certificate for the listener it is that of the others. */
  setFor(listener: 'https' | 'federation'): CertificateSet;
  /** Calls back after the sets have changed; the result stops that. */
  onChange(listener: () => void): () => void;
  findings(): readonly KeptFinding[];
  /** Looks at all sources again, now. Never rejects: what fails is logged and among the findings. */
  reload(): Promise<void>;
  close(): void;
}

interface Kept {
  readonly planned: PlannedCertificate;
  readonly source: CertificateSource;
}

/**
 * Loads everything that is planned. Rejects with one SidecarError that has all that is wrong, and leaves nothing
 * running then. The first planned certificate is the one for clients that ask for no name, or for an unknown one.
 */
export async function createCertificateKeeper(
  plan: readonly PlannedCertificate[],
  deps: CertificateKeeperDeps,
): Promise<CertificateKeeper> {
  const open = openSources(plan, deps);
  const kept: readonly Kept[] = plan.map((planned) => ({ planned, source: open(planned) }));
  const close = (): void => {
    for (const { source } of kept) source.close();
  };
  try {
    await loadAll(kept);
  } catch (error) {
    close();
    throw error;
  }
  const listeners = new Set<() => void>();
  let sets = buildSets(kept);
  for (const { source } of kept) {
    source.onChange(() => {
      sets = buildSets(kept);
      for (const listener of listeners) listener();
    });
  }
  return {
    setFor: (listener) => sets[listener],
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    findings: () =>
      kept.flatMap(({ planned, source }) => source.findings().map((finding) => ({ ...finding, names: planned.names }))),
    async reload() {
      await Promise.all(kept.map(({ source }) => source.reload()));
    },
    close() {
      listeners.clear();
      close();
    },
  };
}

/** Where a new kind of source is added. */
function openSources(
  plan: readonly PlannedCertificate[],
  deps: CertificateKeeperDeps,
): (planned: PlannedCertificate) => CertificateSource {
  // Read once for all, and not at all for a sidecar that has no files.
  const roots = plan.some(({ source }) => source.kind === 'files') ? readTrustedRoots() : [];
  return ({ names, source }) => {
    switch (source.kind) {
      case 'local':
        return createLocalCertificate(names, deps);
      case 'given':
        return source.source;
      case 'files':
        return createCertificateFiles(source.files, names, { ...deps, roots });
    }
  };
}

async function loadAll(kept: readonly Kept[]): Promise<void> {
  const results = await Promise.allSettled(kept.map(({ source }) => source.load()));
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  const [first, ...others] = failures;
  if (first === undefined) return;
  if (others.length === 0) throw first;
  const hints = failures.flatMap((failure) => (failure instanceof SidecarError ? [failure.hint ?? ''] : []));
  throw new SidecarError(failures.map(describeError).join(' '), {
    code: first instanceof SidecarError ? first.code : 'certificate-unreadable',
    blame: 'operator',
    hint: [...new Set(hints)].join(' '),
    cause: first,
  });
}

function buildSets(kept: readonly Kept[]): Readonly<Record<'https' | 'federation', CertificateSet>> {
  const certificatesOf = (listener: PlannedCertificate['listener']): Certificate[] =>
    kept.flatMap(({ planned, source }) => (planned.listener === listener ? [source.current() ?? []].flat() : []));
  const all = certificatesOf('all');
  const federation = certificatesOf('federation');
  const standIns = kept.flatMap(({ source }) => source.standIns?.() ?? []);
  const defaultName = kept[0]?.planned.names[0];
  return {
    https: createCertificateSet(all.length > 0 ? all : federation, defaultName, standIns),
    federation: createCertificateSet(all, defaultName, federation, standIns),
  };
}
