import { describeError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { System } from '../base/system.ts';
import type { Store } from '../store/store.ts';
import type { CaClock } from './ca-clock.ts';
import { CERTIFICATES_PREFIX, certificateKey, type HeldCertificate, readCertificate } from './stored-certificate.ts';
import { clearVeto, listVetoes } from './veto-record.ts';

/**
 * Milliseconds after its end for which a certificate that the configuration does not need stays in the store. Until its end it
 * spares an order to whoever takes a change back; after that, a while for whoever looks for what was served.
 */
const KEPT_AFTER_END = 30 * 86_400_000;
/** Milliseconds until it is tried again where the store failed, or where it is not known what time it is. */
const AGAIN = 6 * 3_600_000;

/** A certificate in the store for names that the configuration does not need together. */
export interface UnneededCertificate {
  readonly setId: string;
  /** Undefined where it is damaged: such a value is left to a person. */
  readonly held: HeldCertificate | undefined;
  /** When a keeper removes it, milliseconds since the epoch; undefined where none does. */
  readonly removeAt: number | undefined;
}

/** Every certificate in the store but those of the sets in `needed` (their ids). Rejects where the store cannot be read. */
export async function listUnneeded(
  store: Pick<Store, 'list' | 'read' | 'where'>,
  needed: ReadonlySet<string>,
): Promise<UnneededCertificate[]> {
  const found: UnneededCertificate[] = [];
  for (const key of await store.list(CERTIFICATES_PREFIX)) {
    const setId = /^([^/]+)\.json$/.exec(key.slice(CERTIFICATES_PREFIX.length))?.[1];
    if (setId === undefined || needed.has(setId)) continue;
    const held = await readCertificate(store, setId);
    found.push({ setId, held, removeAt: held && held.certificate.notAfter + KEPT_AFTER_END });
  }
  return found;
}

/** Keeps what sets leave behind that the configuration no longer has from staying in the store for ever. */
export interface UnneededSweep {
  /** Removes what is to be removed by now, and gives the instant of the next one. Never rejects. */
  sweep(): Promise<number>;
}

/** Only for the keeper. `needed` has the ids of its sets. */
export function createUnneededSweep(
  needed: ReadonlySet<string>,
  deps: { readonly store: Store; readonly system: System; readonly clock?: CaClock | undefined; readonly log: Log },
): UnneededSweep {
  const { store, system, clock, log } = deps;
  let next = Number.NEGATIVE_INFINITY;

  async function look(now: number): Promise<number> {
    for (const setId of await listVetoes(store)) if (!needed.has(setId)) await clearVeto(store, setId);
    const ahead: number[] = [];
    for (const { setId, held, removeAt } of await listUnneeded(store, needed)) {
      if (held === undefined || removeAt === undefined) continue;
      if (removeAt > now) {
        ahead.push(removeAt);
        continue;
      }
      await store.remove(certificateKey(setId));
      const ended = new Date(held.certificate.notAfter).toISOString();
      log.info(
        { names: held.stored.names, not_after: ended },
        'A certificate that ended long ago, and that the configuration does not need, was removed from the store.',
      );
    }
    return Math.min(...ahead);
  }

  return {
    async sweep() {
      const now = system.now();
      if (now < next) return next;
      // By a clock that is a year ahead, all of them would have ended.
      if (clock !== undefined && clock.ahead() === undefined) return now + AGAIN;
      try {
        next = await look(now);
      } catch (error) {
        next = now + AGAIN;
        log.debug({ err: error }, `What is not needed any more stays in the store for now. ${describeError(error)}`);
      }
      return next;
    },
  };
}
