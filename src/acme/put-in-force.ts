import { describeError, SidecarError } from '../base/errors.ts';
import { decideAdoption } from './decide-adoption.ts';
import type { Issued } from './finalize-order.ts';
import type { LookAfterDeps } from './keeper-contract.ts';
import { adoptCertificate, type KeptSet } from './kept-set.ts';
import { pause } from './pause.ts';
import { recordSuccess, type Success } from './record-order.ts';
import { recordRequestMet } from './record-request.ts';
import { parseStoredCertificate, writeCertificate } from './stored-certificate.ts';

/** Milliseconds until it is tried again to store a certificate: at first, twice as long each time, and at most. */
const SAVE_AGAIN = 30_000;
const SAVE_AGAIN_AT_MOST = 10 * 60_000;
/**
 * Milliseconds in which all that answer at our ports have to serve a new certificate: other processes of this sidecar hear
 * of it from the store, mostly within a second, at the latest in half a minute; and between two looks.
 */
const SERVED_WITHIN = 45_000;
const LOOK_AGAIN = 1_500;

export type PutInForceDeps = Pick<LookAfterDeps, 'system' | 'log' | 'ledger' | 'lease' | 'selfCheck'>;

/**
 * Stores a new certificate and then serves it, also where it could not be stored: a full disk must not keep a good one
 * from being used, and a crash in between must not show the bootstrap certificate once more. Rejects where the
 * certificate cannot be read, and with the reasons of the lease and the signal.
 */
export async function putInForce(
  kept: KeptSet,
  issued: Issued & { readonly directory: string; readonly success: Success },
  deps: PutInForceDeps,
  signal: AbortSignal,
): Promise<void> {
  const { set } = kept;
  const { directory, chainPem, keyPem, success } = issued;
  const stored = { names: set.names, directory, chainPem, keyPem, issuedAt: deps.system.now() };
  const held = parseStoredCertificate(
    Buffer.from(JSON.stringify(stored)),
    `the certificate for ${set.names.join(', ')}`,
  );
  if (held === undefined)
    throw new SidecarError('The new certificate cannot be read.', { code: 'acme-refused', blame: 'remote' });
  const { adopt } = decideAdoption(held.certificate, kept.held?.certificate, kept.unsaved !== undefined);
  if (!adopt) {
    // It comes from an order of long ago; only the ledger has to hear of it.
    await deps.ledger.update(deps.lease, (before) => recordSuccess(before, success, deps.system.now()));
    return;
  }
  kept.unsaved = { stored, success, failures: 0 };
  kept.last = { at: deps.system.now(), ok: true, what: 'A certificate was issued.' };
  kept.next = { at: deps.system.now(), why: 'Something has just changed.' };
  try {
    await saveUnsaved(kept, deps);
  } finally {
    adoptCertificate(kept, held);
  }
  await checkServed(kept, deps, signal);
}

/**
 * Stores the certificate in force if the store does not have it yet, and then tells the ledger, so that no crash leaves
 * an order that is settled without its certificate. What fails is in the log and in `kept`, and is to be tried again at
 * `kept.next`. Rejects with the lease's reason only.
 */
export async function saveUnsaved(
  kept: KeptSet,
  deps: Pick<PutInForceDeps, 'system' | 'log' | 'ledger' | 'lease'>,
): Promise<void> {
  const { unsaved, set } = kept;
  if (unsaved === undefined) return;
  const { ledger, lease, system, log } = deps;
  try {
    lease.lost.throwIfAborted();
    await writeCertificate(lease, set.id, unsaved.stored);
    const { success } = unsaved;
    if (success !== undefined) {
      await ledger.update(lease, (before) => recordRequestMet(recordSuccess(before, success, system.now()), set.id));
      kept.asked = false;
    }
    kept.unsaved = undefined;
    if (success === undefined || unsaved.failures > 0)
      log.info({ names: set.names }, 'The certificate in force is in the store now.');
  } catch (error) {
    lease.lost.throwIfAborted();
    const failures = unsaved.failures + 1;
    kept.unsaved = { ...unsaved, failures };
    const why = `The certificate for ${set.names.join(', ')} is in force, but not in the store, and a restart would lose it; nothing is ordered until it is there. ${describeError(error)}`;
    kept.next = { at: system.now() + Math.min(SAVE_AGAIN * 2 ** (failures - 1), SAVE_AGAIN_AT_MOST), why };
    const hint = error instanceof SidecarError && error.hint !== undefined ? { hint: error.hint } : {};
    // At first, and then more and more seldom: the first, second, fourth, eighth time.
    const say = Math.log2(failures) % 1 === 0 ? log.warn : log.debug;
    say.call(log, { names: set.names, failures, ...hint }, why);
  }
}

async function checkServed(
  kept: KeptSet,
  deps: Pick<PutInForceDeps, 'selfCheck' | 'log' | 'system'>,
  signal: AbortSignal,
): Promise<void> {
  const { system, selfCheck } = deps;
  const fingerprint = kept.held?.certificate.fingerprint256;
  if (fingerprint === undefined || selfCheck === undefined) return;
  const began = system.monotonic();
  let wrong = await selfCheck(kept.set, fingerprint);
  while (wrong !== undefined && system.monotonic() - began < SERVED_WITHIN) {
    await pause(system, LOOK_AGAIN, signal);
    wrong = await selfCheck(kept.set, fingerprint);
  }
  kept.findings =
    wrong === undefined
      ? []
      : [
          {
            severity: 'warning',
            code: 'certificate-not-served',
            what: wrong,
            fix: 'Restart the sidecar, and report this: it should not happen.',
          },
        ];
  if (wrong === undefined) deps.log.debug({ names: kept.set.names }, 'What is served is what is stored.');
  else deps.log.error({ code: 'certificate-not-served', names: kept.set.names }, wrong);
}
