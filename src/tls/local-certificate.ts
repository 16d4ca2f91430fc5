import { describeError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { System, Timer } from '../base/system.ts';
import type { Certificate } from './certificate.ts';
import type { CertificateSource } from './certificate-source.ts';
import type { Finding } from './check-certificate.ts';
import { type DevelopmentCa, renewalTime } from './development-ca.ts';

export interface LocalCertificateDeps {
  readonly system: System;
  readonly log: Log;
  readonly developmentCa: DevelopmentCa;
}

/** Milliseconds. The clock may jump and the machine sleep, which a longer timer would not notice. */
const LONGEST_SLEEP = 86_400_000;
const AFTER_FAILURE = 3_600_000;

/** A certificate of the development CA, renewed when a third of its life is left. */
export function createLocalCertificate(names: readonly string[], deps: LocalCertificateDeps): CertificateSource {
  const { system, log, developmentCa } = deps;
  const listeners = new Set<() => void>();
  let current: Certificate | undefined;
  let problem: Finding | undefined;
  let timer: Timer | undefined;
  let closed = false;

  function sleepUntil(instant: number): void {
    if (closed) return;
    timer?.cancel();
    timer = system.setTimer(Math.max(1, Math.min(instant - system.now(), LONGEST_SLEEP)), () => void renew());
  }

  // The CA decides: it gives back the stored certificate as long as that will do.
  async function renew(): Promise<void> {
    try {
      const next = await developmentCa.issue(names);
      problem = undefined;
      sleepUntil(renewalTime(next));
      if (closed || next.fingerprint256 === current?.fingerprint256) return;
      current = next;
    } catch (error) {
      const what = `The development CA could not renew the certificate for ${names.join(', ')}: ${describeError(error)}`;
      problem = {
        severity: 'warning',
        code: 'certificate-renewal-failed',
        what,
        fix: 'Correct what it says; the next attempt is in an hour.',
      };
      log.warn({ code: problem.code, fix: problem.fix }, what);
      sleepUntil(system.now() + AFTER_FAILURE);
      return;
    }
    for (const listener of listeners) listener();
  }

  return {
    async load() {
      const first = await developmentCa.issue(names);
      current = first;
      sleepUntil(renewalTime(first));
      return first;
    },
    current: () => current,
    findings: () => (problem === undefined ? [] : [problem]),
    reload: renew,
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close() {
      closed = true;
      timer?.cancel();
      listeners.clear();
    },
  };
}
