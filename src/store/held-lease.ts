import { describeError, SidecarError } from '../base/errors.ts';
import type { System, Timer } from '../base/system.ts';
import type { Lease } from './store.ts';

/** Milliseconds from one renewal to the next. */
export const RENEW_EVERY = 5_000;
/** Milliseconds after its last renewal during which nobody else may take a lease. */
export const LEASE_LASTS = 20_000;
/** Milliseconds without a successful renewal until the holder gives up: before anyone else can begin. */
const GIVE_UP_AFTER = 17_000;
/** Milliseconds from a renewal that failed to the next attempt. */
const TRY_AGAIN_AFTER = 1_000;
const TAKEN = 'another process has taken it over';

/** A lease just acquired, and what a store can do with it. */
export interface LeaseGrant {
  readonly name: string;
  readonly generation: number;
  /** Monotonic milliseconds, before the store was asked for it: from then on it lasts. */
  readonly since: number;
  /** Says to everybody that the holder lives. False when it is another's by now; rejects when it cannot be known. */
  renew(): Promise<boolean>;
  /** Lets the next one in. Does nothing when it is another's by now. */
  giveBack(): Promise<void>;
  /** As `Store.write`; false, and nothing is written, when it is another's by now. */
  write(key: string, bytes: Uint8Array): Promise<boolean>;
}

/** A lease as the store that gave it sees it. */
export interface HeldLease extends Lease {
  /** Settles once it is neither held nor about to be renewed: released or lost. */
  readonly ended: Promise<void>;
  /** Takes it from its holder, because the store is being closed, and gives it back. */
  revoke(): Promise<void>;
}

/** Renews a lease until it is released or lost. */
export function holdLease(grant: LeaseGrant, deps: { readonly system: System }): HeldLease {
  const { system } = deps;
  const { name, generation } = grant;
  const lost = new AbortController();
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  let over = false;
  let renewing: Promise<void> | undefined;
  let next: Timer | undefined;
  let deadline: Timer | undefined;
  let releasing: Promise<void> | undefined;
  let failure: unknown;

  function stop(): void {
    over = true;
    next?.cancel();
    deadline?.cancel();
    end();
  }

  function lose(why: string): void {
    if (over) return;
    stop();
    lost.abort(explainLoss(why));
  }

  function explainLoss(why: string): SidecarError {
    return new SidecarError(`The lease ${name} was lost: ${why}.`, {
      code: 'store-lease-lost',
      blame: 'operator',
      hint: 'Whoever has it next goes on with the work. If it happens again and again, this machine or the store stands still for many seconds at a time.',
      cause: failure,
    });
  }

  // A timer of its own: a renewal may hang for longer than this.
  function expectRenewalSince(time: number): void {
    deadline?.cancel();
    deadline = system.setTimer(Math.max(0, time + GIVE_UP_AFTER - system.monotonic()), () => {
      const seconds = GIVE_UP_AFTER / 1000;
      lose(`it could not be renewed for ${seconds} s${failure === undefined ? '' : ` (${describeError(failure)})`}`);
      // For what it is worth: should the store be back, the next one need not wait.
      void release();
    });
  }

  async function renew(): Promise<void> {
    const began = system.monotonic();
    let pause: number;
    try {
      const ours = await grant.renew();
      if (!ours) lose(TAKEN);
      if (over) return;
      failure = undefined;
      expectRenewalSince(began);
      pause = Math.max(0, began + RENEW_EVERY - system.monotonic());
    } catch (error) {
      failure = error;
      pause = TRY_AGAIN_AFTER;
    }
    if (!over) renewAfter(pause);
  }

  function renewAfter(pause: number): void {
    next = system.setTimer(pause, () => {
      renewing = renew();
    });
  }

  async function giveBack(): Promise<void> {
    if (!over) stop();
    // A renewal on its way would arrive after the release and undo it.
    await renewing;
    // When the store cannot be reached the lease runs out by itself.
    await grant.giveBack().catch(() => undefined);
  }

  function release(): Promise<void> {
    releasing ??= giveBack();
    return releasing;
  }

  expectRenewalSince(grant.since);
  renewAfter(RENEW_EVERY);
  return {
    name,
    generation,
    lost: lost.signal,
    ended,
    async write(key, bytes) {
      lost.signal.throwIfAborted();
      if (over) throw explainLoss('it was given back');
      if (await grant.write(key, bytes)) return;
      lose(TAKEN);
      lost.signal.throwIfAborted();
      throw explainLoss(TAKEN);
    },
    release,
    async revoke() {
      lose('the store was closed');
      await release();
    },
  };
}
