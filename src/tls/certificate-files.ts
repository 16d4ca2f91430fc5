import type { X509Certificate } from 'node:crypto';
import { SidecarError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { System, Timer } from '../base/system.ts';
import type { Certificate } from './certificate.ts';
import { buildContext } from './certificate-set.ts';
import type { CertificateSource } from './certificate-source.ts';
import { type CheckOptions, checkCertificate, type Finding, type FindingCode } from './check-certificate.ts';
import { type CertificateFilesSource, pathsOf, type Reading, readCertificateFiles } from './read-certificate-files.ts';
import { watchFiles } from './watch-files.ts';

export interface CertificateFilesDeps {
  readonly system: System;
  readonly log: Log;
  /** Where a complete chain ends: `readTrustedRoots()`. */
  readonly roots: readonly X509Certificate[];
}

/** Milliseconds for which a bad new file is taken for one that is still being written, and looked at again. */
const PATIENCE = 5_000;
const LOOK_AGAIN = 500;
// At start there is nothing better to serve. A client that is lenient, or whose clock is wrong, gets through.
const SERVED_AT_START: ReadonlySet<FindingCode> = new Set(['certificate-expired', 'certificate-not-yet-valid']);

/**
 * The certificate in files that the operator looks after. At start it must fit (expired is served, loudly). Then the
 * files are watched: a new certificate without error findings replaces the one in use, any other is reported once and
 * replaces nothing.
 */
export function createCertificateFiles(
  source: CertificateFilesSource,
  names: readonly string[],
  deps: CertificateFilesDeps,
): CertificateSource {
  const { system, log } = deps;
  const listeners = new Set<() => void>();
  let current: Certificate | undefined;
  let currentDigest = '';
  let problem: Finding | undefined;
  let reportedDigest: string | undefined;
  let waitingSince: number | undefined;
  let retry: Timer | undefined;
  let watcher: { close(): void } | undefined;
  let looking: Promise<void> = Promise.resolve();
  let closed = false;

  const check = (certificate: Certificate): readonly Finding[] =>
    checkCertificate(certificate, { names, now: system.now(), roots: deps.roots });

  function adopt(certificate: Certificate, digest: string): void {
    current = certificate;
    currentDigest = digest;
    for (const { code, what, fix } of check(certificate)) log.warn({ code, fix }, what);
  }

  /** `patient`: whether a bad certificate may be one that is still being written. */
  async function look(patient: boolean): Promise<void> {
    const reading = await readCertificateFiles(source);
    if (closed) return;
    if (reading.digest === currentDigest) return settle();
    const errors = errorsOf(reading, check);
    if (errors.length === 0 && !(reading.outcome instanceof SidecarError)) {
      settle();
      adopt(reading.outcome, reading.digest);
      log.info(
        { origin: reading.outcome.origin, fingerprint256: reading.outcome.fingerprint256 },
        `The new certificate in ${reading.outcome.origin} is in use, for new connections.`,
      );
      for (const listener of listeners) listener();
      return;
    }
    if (reading.digest === reportedDigest) return;
    waitingSince ??= system.monotonic();
    if (patient && system.monotonic() - waitingSince < PATIENCE) {
      retry?.cancel();
      retry = system.setTimer(LOOK_AGAIN, () => void lookInTurn(true));
      return;
    }
    report(errors[0]!, reading.digest);
  }

  /** What is in the files is in use: nothing is wrong with the last change, or no longer. */
  function settle(): void {
    retry?.cancel();
    waitingSince = undefined;
    problem = undefined;
    reportedDigest = undefined;
  }

  function report({ code, what, fix }: Finding, digest: string): void {
    settle();
    problem = { severity: 'warning', code, what: `A new certificate is not used: ${what}`, fix };
    reportedDigest = digest;
    log.warn({ code, fix }, `${problem.what} The one in use stays. ${fix}`);
  }

  // One after the other: of two readings of the files the later one has to be acted upon last.
  function lookInTurn(patient: boolean): Promise<void> {
    looking = looking.then(() => (closed ? undefined : look(patient)));
    return looking;
  }

  return {
    async load() {
      const reading = await readCertificateFiles(source);
      if (reading.outcome instanceof SidecarError) throw reading.outcome;
      const errors = errorsOf(reading, check).filter(({ code }) => !SERVED_AT_START.has(code));
      if (errors.length > 0) throw refuse(errors);
      adopt(reading.outcome, reading.digest);
      watcher ??= watchFiles(pathsOf(source), () => void lookInTurn(true), { system });
      return reading.outcome;
    },
    current: () => current,
    findings() {
      return [...(current === undefined ? [] : check(current)), ...(problem === undefined ? [] : [problem])];
    },
    reload: () => lookInTurn(false),
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close() {
      closed = true;
      watcher?.close();
      retry?.cancel();
      listeners.clear();
    },
  };
}

/** What is wrong with a certificate in files. `refused`: a sidecar that starts with it says so and ends. */
export interface InspectedFinding extends Finding {
  readonly refused: boolean;
}

/** Looks at the files once, as a sidecar that starts would. Never rejects; empty when all is well. */
export async function inspectCertificateFiles(
  source: CertificateFilesSource,
  options: CheckOptions,
): Promise<readonly InspectedFinding[]> {
  const reading = await readCertificateFiles(source);
  const check = (certificate: Certificate): readonly Finding[] => checkCertificate(certificate, options);
  const warnings = reading.outcome instanceof SidecarError ? [] : check(reading.outcome);
  return [
    ...errorsOf(reading, check).map((error) => ({ ...error, refused: !SERVED_AT_START.has(error.code) })),
    ...warnings.filter(({ severity }) => severity === 'warning').map((warning) => ({ ...warning, refused: false })),
  ];
}

/** Why what was read should not be served; empty when all is well. */
function errorsOf(reading: Reading, check: (certificate: Certificate) => readonly Finding[]): readonly Finding[] {
  if (reading.outcome instanceof SidecarError) return [asFinding(reading.outcome, 'certificate-unreadable')];
  const errors = check(reading.outcome).filter(({ severity }) => severity === 'error');
  // OpenSSL refuses a wrong key too, in its own words; it is asked only where nothing better is known.
  if (errors.some(({ code }) => !SERVED_AT_START.has(code))) return errors;
  try {
    buildContext(reading.outcome);
    return errors;
  } catch (error) {
    if (error instanceof SidecarError) return [asFinding(error, 'certificate-unusable'), ...errors];
    throw error;
  }
}

function asFinding(error: SidecarError, code: FindingCode): Finding {
  return { severity: 'error', code, what: error.message, fix: error.hint ?? '' };
}

function refuse(errors: readonly Finding[]): SidecarError {
  return new SidecarError(errors.map(({ what }) => what).join(' '), {
    code: errors[0]!.code,
    blame: 'operator',
    hint: [...new Set(errors.map(({ fix }) => fix))].join(' '),
  });
}
