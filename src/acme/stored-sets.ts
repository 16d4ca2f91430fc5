import { describeError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Store } from '../store/store.ts';
import { decideAdoption } from './decide-adoption.ts';
import { adoptCertificate, type KeptSet } from './kept-set.ts';
import { readCertificate } from './stored-certificate.ts';

/** What the store has of the sets' certificates, and what is in force of it. */
export interface StoredSets {
  /**
   * Puts in force what the store has, where that is to be served. Resolves with whether the store lacks what is in
   * force: it has another one that is damaged or older, or none. Rejects with a SidecarError where it cannot be read.
   */
  read(kept: KeptSet): Promise<boolean>;
  /** The same after another process or the operator did something; what fails is in the log. Never rejects. */
  follow(kept: KeptSet): Promise<boolean>;
}

export function createStoredSets({
  store,
  log,
}: {
  readonly store: Pick<Store, 'read' | 'where'>;
  readonly log: Log;
}): StoredSets {
  const damaged = new Set<KeptSet>();

  /** Once: the store is looked at often. */
  function announceDamage(kept: KeptSet, where: string): void {
    if (damaged.has(kept)) return;
    damaged.add(kept);
    const hint =
      'Nothing has to be done: what is in force is stored anew, and where nothing is, a new one is ordered as far as the limits of the CA allow. Restoring the file from a backup spares that order.';
    const fields = { code: 'acme-certificate-damaged', names: kept.set.names, hint };
    log.warn(fields, `The stored certificate for ${kept.set.names.join(', ')} is damaged: ${where}.`);
  }

  async function read(kept: KeptSet): Promise<boolean> {
    const held = await readCertificate(store, kept.set.id, (where) => announceDamage(kept, where));
    if (held === undefined) return kept.held !== undefined;
    damaged.delete(kept);
    const { adopt, why } = decideAdoption(held.certificate, kept.held?.certificate, kept.unsaved !== undefined);
    if (!adopt) {
      log.debug({ names: kept.set.names }, why);
      return true;
    }
    if (adoptCertificate(kept, held)) {
      // Somebody else has got a newer one than the one that could not be stored.
      kept.unsaved = undefined;
      log.info(
        { names: kept.set.names, not_after: new Date(held.certificate.notAfter).toISOString() },
        'A certificate is in force.',
      );
    }
    return false;
  }

  return {
    read,
    async follow(kept) {
      try {
        return await read(kept);
      } catch (error) {
        log.warn(
          { err: error, names: kept.set.names },
          `The stored certificate cannot be read: ${describeError(error)}`,
        );
        return false;
      }
    },
  };
}
