import { describeError, SidecarError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { System, Timer } from '../base/system.ts';
import type { Store } from '../store/store.ts';
import {
  isScheduled,
  judgeTicketKeys,
  readSchedule,
  renewSchedule,
  TICKET_KEY_BYTES,
  type TicketKeyFacts,
  type TicketKeySchedule,
  type TicketKeyVerdict,
  writeSchedule,
} from './ticket-key-schedule.ts';

/** How long one key is used by default: 12 hours, in milliseconds. */
export const TICKET_KEY_LIFETIME = 43_200_000;
/** Where the keys are in the store. */
export const TICKET_KEYS_KEY = 'tls/ticket-keys.json';
/** Milliseconds. The clock may be set and the machine may sleep, which a longer timer would not notice. */
const LONGEST_SLEEP = 600_000;
/** Milliseconds from a store that could not be read or written to the next attempt. */
const TRY_AGAIN_AFTER = 60_000;
/** Milliseconds at most, drawn by chance, from a change of keys to the look whether somebody has published the next. */
const PUBLISH_WITHIN = 20_000;

/** What the keys are shared through. */
export type TicketKeyStore = Pick<Store, 'read' | 'write' | 'where' | 'onChange'>;

export interface TicketKeys {
  /** 48 bytes for `ticketKeys` of a tls.Server. Do not change them. */
  current(): Buffer;
  /** Calls back with new keys after each change; the result stops that. */
  onRotate(listener: (keys: Buffer) => void): () => void;
  /**
   * From now on the keys are those of this store, and no longer those of an earlier one. Returns at once; the keys in
   * use stay until the store has others, and for good where it cannot be reached.
   */
  shareThrough(store: TicketKeyStore): void;
  /** Resolves when nothing of it is written any more. */
  close(): Promise<void>;
}

/**
 * Keys for TLS session tickets (RFC 5077, RFC 8446 section 4.6.1), the same for all listeners, processes and replicas
 * that share a store: a client that met one resumes at any other, also after a restart.
 *
 * A key is used for `rotateEvery` milliseconds, and removed from the store and from memory when its time is over: who
 * steals the store can read nothing that was resumed more than `rotateEvery` ago. Node knows one key at a time, so a
 * ticket of the last key leads to a full handshake; for the same reason all change over at the same instant, to a key
 * that was published one period ahead.
 *
 * Whoever finds the schedule due renews it, without a lease: of several who do so at once the last one wins, the others
 * read that and follow, and nobody has used the key that lost, since its time is hours away. A lease would only add
 * a way to be stuck. Where the store is away, damaged or read-only, the known schedule is used up, and after that
 * random keys of this process alone, until the store is back.
 */
export function createTicketKeys(
  slice: { readonly rotateEvery: number },
  deps: { readonly system: System; readonly log: Log },
): TicketKeys {
  const { rotateEvery } = slice;
  const { system, log } = deps;
  const listeners = new Set<(keys: Buffer) => void>();
  const makeKey = (): Buffer => system.randomBytes(TICKET_KEY_BYTES);
  let inUse = makeKey();
  let since = system.monotonic();
  let schedule: TicketKeySchedule | undefined;
  let store: TicketKeyStore | undefined;
  let unsubscribe: (() => void) | undefined;
  let timer: Timer | undefined;
  let publishing: Timer | undefined;
  /** The look at the store under way, and whether another one is wanted after it. */
  let looking = false;
  let again = false;
  let underWay: Promise<void> = Promise.resolve();
  let troubled = false;

  const usedFor = (): number => Math.floor(system.monotonic() - since);
  const facts = (): TicketKeyFacts => ({ schedule, now: system.now(), inUse, usedFor: usedFor(), rotateEvery });

  function use(keys: Buffer): void {
    if (keys.equals(inUse)) return;
    inUse = keys;
    since = system.monotonic();
    for (const listener of listeners) listener(keys);
  }

  /** Uses what is to be used now, and comes back when that changes. */
  function follow(): TicketKeyVerdict {
    const verdict = judgeTicketKeys(facts());
    if (verdict.use !== undefined) use(verdict.use);
    else if (usedFor() >= rotateEvery || isScheduled(schedule, inUse)) use(makeKey());
    const left = verdict.use === undefined ? rotateEvery - usedFor() : verdict.wait;
    timer?.cancel();
    timer = system.setTimer(Math.max(1, Math.min(left, LONGEST_SLEEP)), () => {
      if (follow().renew === 'no' || publishing !== undefined) return;
      lookAfter((PUBLISH_WITHIN * system.randomBytes(1)[0]!) / 255);
    });
    return verdict;
  }

  function lookAfter(pause: number): void {
    publishing?.cancel();
    publishing = system.setTimer(pause, () => {
      publishing = undefined;
      look();
    });
  }

  function look(): void {
    if (looking) again = true;
    else if (store !== undefined) underWay = lookAt(store);
  }

  /** Reads the store, and renews what is due there. Never rejects. */
  async function lookAt(from: TicketKeyStore): Promise<void> {
    looking = true;
    again = false;
    let failure: unknown;
    try {
      await readAndRenew(from);
    } catch (error) {
      failure = error;
    }
    looking = false;
    if (from === store) announce(failure);
    if (again) look();
  }

  async function readAndRenew(from: TicketKeyStore): Promise<void> {
    const bytes = await from.read(TICKET_KEYS_KEY);
    if (from !== store) return;
    const found = bytes === undefined ? undefined : readSchedule(bytes);
    if (bytes !== undefined && found === undefined) {
      const where = from.where(TICKET_KEYS_KEY);
      log.warn({ where }, `The TLS session keys in ${where} are damaged; they are replaced by new ones.`);
    }
    schedule = found;
    const { renew } = follow();
    if (renew === 'no') return;
    const renewed = renewSchedule(facts(), renew, makeKey());
    await from.write(TICKET_KEYS_KEY, writeSchedule(renewed));
    if (from !== store) return;
    schedule = renewed;
    follow();
  }

  /** One line when sharing ends and one when it begins again: whose fault it is, others say as well. */
  function announce(failure: unknown): void {
    if (failure === undefined) {
      if (troubled) log.info({}, 'TLS sessions are shared through the store again.');
      troubled = false;
      return;
    }
    if (!troubled) {
      const fields = failure instanceof SidecarError && failure.hint !== undefined ? { hint: failure.hint } : {};
      log.info(fields, `TLS sessions are resumed by this process alone for the moment. ${describeError(failure)}`);
    }
    troubled = true;
    lookAfter(TRY_AGAIN_AFTER);
  }

  function leaveStore(): void {
    store = undefined;
    unsubscribe?.();
    publishing?.cancel();
    publishing = undefined;
  }

  follow();
  return {
    current: () => inUse,
    onRotate(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    shareThrough(next) {
      leaveStore();
      store = next;
      unsubscribe = next.onChange(TICKET_KEYS_KEY, look);
      look();
    },
    async close() {
      leaveStore();
      timer?.cancel();
      listeners.clear();
      await underWay;
    },
  };
}
