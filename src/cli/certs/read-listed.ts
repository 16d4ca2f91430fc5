import { createLedgerStore } from '../../acme/ledger-store.ts';
import { readVeto, type StoredVeto } from '../../acme/veto-record.ts';
import { renewalTime } from '../../tls/development-ca.ts';
import { findKeeper, findUnwritable, type KeeperPresence } from './find-keeper.ts';
import { listNeededCertificates } from './needed-certificates.ts';
import type { CertsContext } from './open-certificate-store.ts';
import { planCas } from './plan-cas.ts';
import { findLastFailure, findRunningAttempt, type LastFailure, type NextAttempt, planNext } from './plan-next.ts';
import { type PresentCertificate, readPresent } from './read-certificates.ts';

/** All that is to be said of one certificate. */
export interface ListedCertificate extends PresentCertificate {
  /** Undefined for files, which somebody else replaces. */
  readonly next: NextAttempt | undefined;
  readonly lastFailure: LastFailure | undefined;
  /** Why a running sidecar does not order what is due, and since when; undefined where nothing is known to stand in the way. */
  readonly heldUp: StoredVeto | undefined;
}

/** Every needed certificate with what the store, the ledger and the files say of it. */
export async function readListed(context: CertsContext): Promise<ListedCertificate[]> {
  const { config, store, system, io } = context;
  const now = system.now();
  const cas = planCas(context);
  const note = (sentence: string): void => io.stderr(`${sentence}\n`);
  const ledger = await createLedgerStore(store, { system, note }).read();
  const listed: ListedCertificate[] = [];
  const unwritable = await findUnwritable(config.store);
  let keeper: KeeperPresence | undefined = unwritable === undefined ? undefined : { kind: 'unusable', why: unwritable };
  for (const needed of listNeededCertificates(config)) {
    const present = await readPresent(needed, store, now);
    const { source } = needed;
    if (source.kind === 'acme') {
      const facts = { set: source.set, held: present.held, cas, ledger };
      // Only where an attempt was begun is it of interest whether who began it is still there.
      if (unwritable === undefined && findRunningAttempt(facts) !== undefined) keeper ??= await findKeeper(store);
      const next = planNext({ ...facts, keeper }, now);
      const heldUp = next.due ? await readVeto(store, source.set.id) : undefined;
      listed.push({ ...present, next, lastFailure: findLastFailure(facts), heldUp });
    } else {
      const next = source.kind === 'local' ? planLocal(present, now) : undefined;
      listed.push({ ...present, next, lastFailure: undefined, heldUp: undefined });
    }
  }
  return listed;
}

/** The development CA is the sidecar itself: it signs when it starts, and with a third of the lifetime left. */
function planLocal({ certificate }: PresentCertificate, now: number): NextAttempt {
  if (certificate === undefined) return { at: now, due: true, why: 'The sidecar makes it when it starts.' };
  const at = renewalTime(certificate);
  return { at: Math.max(at, now), due: at <= now, why: 'The sidecar renews it with a third of its lifetime left.' };
}
