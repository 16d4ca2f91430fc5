import type { System } from '../base/system.ts';
import type { Lease, Store } from '../store/store.ts';
import { type Ledger, parseLedger, serialiseLedger } from './ledger.ts';

/** Where the ledger is in the store. */
export const LEDGER_KEY = 'acme/ledger.json';

/** What writing the ledger needs of the keeper's lease. */
export type LedgerLease = Pick<Lease, 'lost' | 'write'>;

/** The ledger as it is in the store. */
export interface LedgerStore {
  /** For everyone. Never rejects because of what the ledger says; rejects where the store cannot be read. */
  read(): Promise<Ledger>;
  /**
   * Reads the ledger anew, applies a pure change and stores the result, one change after the other. Resolves with what
   * was stored once it survives a power cut; only then may the CA hear of it. Only for the holder of the keeper's lease:
   * rejects with the lease's own reason, and writes nothing, once that is lost. Whoever gets the lease begins with a
   * change of nothing, so that a new ledger in place of an unreadable one lasts, and with it its wait.
   */
  update(lease: LedgerLease, change: (ledger: Ledger) => Ledger): Promise<Ledger>;
}

/** `note` hears when the stored ledger could not be read, once for each time that it is found so. */
export function createLedgerStore(
  store: Pick<Store, 'read'>,
  deps: { readonly system: Pick<System, 'now'>; readonly note: (sentence: string) => void },
): LedgerStore {
  let last: Promise<unknown> = Promise.resolve();
  /** What was last read or written: thousands of entries take longer to check than to read. */
  let known: { readonly bytes: Uint8Array; readonly ledger: Ledger } | undefined;

  async function load(): Promise<Ledger> {
    const bytes = await store.read(LEDGER_KEY);
    if (bytes !== undefined && known !== undefined && bytes.equals(known.bytes)) return known.ledger;
    const { ledger, note } = parseLedger(bytes, deps.system.now());
    if (note !== undefined) deps.note(note);
    else if (bytes !== undefined) known = { bytes, ledger };
    return ledger;
  }

  async function change(lease: LedgerLease, apply: (ledger: Ledger) => Ledger): Promise<Ledger> {
    lease.lost.throwIfAborted();
    const after = apply(await load());
    // Reading may have taken long enough for somebody else to have become the keeper.
    lease.lost.throwIfAborted();
    const bytes = serialiseLedger(after);
    await lease.write(LEDGER_KEY, bytes);
    known = { bytes, ledger: after };
    return after;
  }

  return {
    read: load,
    update(lease, apply) {
      const turn = last.then(() => change(lease, apply));
      last = turn.catch(() => undefined);
      return turn;
    },
  };
}
