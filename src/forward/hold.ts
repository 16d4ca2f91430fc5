import { callApart } from '../base/call-apart.ts';
import type { System, Timer } from '../base/system.ts';
import { createHealthCheck } from './health-check.ts';

/** Milliseconds until the homeserver is asked again whether it is back; doubled while it comes and goes. */
const PROBE_SOON = 250;
const PROBE_SELDOM = 5_000;
/** One that says nothing for this long is asked anew: a packet to where it was before may just be lost. */
const PROBE_PATIENCE = 2_000;
/** Questions that may be open at once: each may keep a thread with a name that does not resolve. */
const MOST_PROBES = 3;
/** After this long away it is asked less often. */
const SEEMS_LONG = 60_000;
const PROBE_LATER = 1_000;
/** Lost again within this time after it came back: it comes and goes. */
const FLAPPING = 5_000;

/** Requests that are let go at first when the homeserver is back, and each `PACE` milliseconds half as many more. */
const FIRST_BATCH = 4;
const LARGEST_BATCH = 64;
const PACE = 50;

export interface HoldSlice {
  /** How many requests may wait; 0 holds none. */
  readonly most: number;
  /** Of those, how many are for other servers alone; none where nothing is said. */
  readonly forServers?: number;
  /** Where several holds have these places together. */
  readonly room?: HoldRoom;
}

/** How many requests wait in the holds that share it. */
export interface HoldRoom {
  waiting: number;
}

export interface HoldDeps {
  readonly system: System;
  /** Whether the homeserver takes requests. Never rejects. */
  probe(): Promise<boolean>;
  /** Called for each request that met its absence, when it is known what became of it. */
  onOutcome?(outcome: 'released' | 'expired' | 'left' | 'refused'): void;
  /** Called when it is lost, with the reason, and when it is back. */
  onAway?(why: string): void;
  onBack?(report: HoldReport): void;
}

/** What an absence of the homeserver came to. */
export interface HoldReport {
  /** Milliseconds. */
  readonly away: number;
  /** Requests that waited through it. */
  readonly saved: number;
  /** Requests that waited as long as they could. */
  readonly expired: number;
}

export interface HoldStatus {
  /** `System.monotonic` of when it was lost; undefined while it is here. */
  readonly awaySince: number | undefined;
  /** `System.monotonic` of when it came back last; undefined while it is away, and where it never was. */
  readonly backAt: number | undefined;
  /** Why it is away, a clause. */
  readonly why: string | undefined;
  readonly waiting: number;
  /** Since the start. */
  readonly saved: number;
  readonly expired: number;
  /** Requests that could not wait because too many did. */
  readonly refused: number;
}

/** What matters of a request that waits. */
export interface WhoWaits {
  /** Whether it is to go elsewhere by now; not asked where there is none. */
  readonly isMoved?: () => boolean;
  /** Another server's, which would stay away for long if it were refused. */
  readonly forServer?: boolean;
}

/**
 * Keeps requests waiting while a homeserver is away, a restart for instance, and lets them go when it is back: in the
 * order in which they came, a few at first, so that a homeserver with cold caches is not flattened. What waits costs
 * its own connection and nothing else: bodies stay where they are.
 */
export interface Hold {
  /** True while requests that may wait should: it is away, or those that came before still wait for their turn. */
  readonly away: boolean;
  readonly status: HoldStatus;
  /** It could not be reached, or was lost under a request. `why` is a clause for the log. */
  lost(why: string): void;
  /**
   * Is it here, when an answer looks as if it were not? Calls `settle` once, mostly after it has been asked; one that is
   * in doubt is here. `fresh`: it is asked in any case.
   */
  check(settle: (here: boolean) => void, fresh?: boolean): void;
  /**
   * Waits up to `patience` milliseconds and then calls `settle` once. Undefined, with `settle` never called, where no more
   * may wait. The result leaves the queue. Also for a crowd from elsewhere, while it is here: each gets its turn.
   */
  wait(patience: number, settle: (end: WaitEnd) => void, who?: WhoWaits): (() => void) | undefined;
  /** There is another configuration: whoever is to go elsewhere by it waits here no more. */
  review(): void;
  /** Lets everything go at once. Idempotent. */
  close(): void;
}

/** It may go on; it has waited as long as it may; this is not where it is to wait. */
export type WaitEnd = 'released' | 'expired' | 'moved';

interface Waiter {
  readonly settle: (end: WaitEnd) => void;
  readonly isMoved: (() => boolean) | undefined;
  timer: Timer;
}

export function createHold(slice: HoldSlice, deps: HoldDeps): Hold {
  const { system } = deps;
  // A set keeps the order in which requests came, and gives up one in the middle at no cost.
  const queue = new Set<Waiter>();
  const doubts = createHealthCheck({ system, ask: () => deps.probe() });
  const room = slice.room ?? { waiting: 0 };
  const totals = { saved: 0, expired: 0, refused: 0 };
  let here = true;
  let closed = false;
  let lostAt = 0;
  let backAt = Number.NEGATIVE_INFINITY;
  let probeDelay = PROBE_SOON;
  let probes = 0;
  let report = { saved: 0, expired: 0 };
  let timer: Timer | undefined;
  let reason: string | undefined;
  /** Somebody waits for the next batch. */
  let releasing = false;
  /** It was away, and its return has not been told. */
  let absent = false;

  function lost(why: string): void {
    if (!here || closed) return;
    here = false;
    absent = true;
    releasing = false;
    reason = why;
    timer?.cancel();
    const now = system.monotonic();
    const comesAndGoes = now - backAt < FLAPPING;
    probeDelay = comesAndGoes ? Math.min(probeDelay * 2, PROBE_SELDOM) : PROBE_SOON;
    if (!comesAndGoes || report.saved + report.expired === 0) lostAt = now;
    deps.onAway?.(why);
    askLater();
  }

  function askLater(): void {
    const patient = system.monotonic() - lostAt > SEEMS_LONG;
    timer = system.setTimer(Math.max(probeDelay, patient ? PROBE_LATER : 0), ask);
  }

  function ask(): void {
    if (probes === MOST_PROBES) return askLater();
    probes++;
    const absence = lostAt;
    let waited = false;
    timer = system.setTimer(PROBE_PATIENCE, () => {
      waited = true;
      askLater();
    });
    void deps.probe().then((answered) => {
      probes--;
      // A late yes is as good; a late no has been waited for long enough.
      if (closed || here || absence !== lostAt || (waited && !answered)) return;
      timer?.cancel();
      if (!answered) return askLater();
      here = true;
      backAt = system.monotonic();
      releaseSome(FIRST_BATCH);
    });
  }

  function releaseSome(batch: number): void {
    for (const waiter of [...take(batch)]) {
      waiter.timer.cancel();
      totals.saved++;
      report.saved++;
      deps.onOutcome?.('released');
      callApart(() => waiter.settle('released'));
    }
    // One of those let go may have found it gone again.
    if (!here || closed) return;
    releasing = queue.size > 0;
    if (!releasing) {
      if (absent) deps.onBack?.({ away: backAt - lostAt, ...report });
      absent = false;
      report = { saved: 0, expired: 0 };
      return;
    }
    timer = system.setTimer(PACE, () => releaseSome(Math.min(Math.ceil(batch * 1.5), LARGEST_BATCH)));
  }

  function sendAway(which: (waiter: Waiter) => boolean): void {
    for (const waiter of [...queue].filter(which)) {
      waiter.timer.cancel();
      remove(waiter);
      callApart(() => waiter.settle('moved'));
    }
  }

  function remove(waiter: Waiter): void {
    if (queue.delete(waiter)) room.waiting--;
  }

  function* take(count: number): Generator<Waiter> {
    for (const waiter of queue) {
      if (count-- === 0) return;
      remove(waiter);
      yield waiter;
    }
  }

  return {
    get away() {
      return !here || queue.size > 0;
    },
    get status() {
      const away = here ? { awaySince: undefined, why: undefined } : { awaySince: lostAt, why: reason };
      return { ...away, backAt: here && Number.isFinite(backAt) ? backAt : undefined, waiting: queue.size, ...totals };
    },
    lost,
    check(settle, fresh) {
      if (!here) settle(false);
      else doubts.check(settle, fresh);
    },
    wait(patience, settle, { isMoved, forServer = false } = {}) {
      const most = slice.most - (forServer ? 0 : (slice.forServers ?? 0));
      if (closed || room.waiting >= most || patience <= 0) {
        if (room.waiting < most) return undefined;
        totals.refused++;
        deps.onOutcome?.('refused');
        return undefined;
      }
      const waiter: Waiter = {
        settle,
        isMoved,
        timer: system.setTimer(patience, () => {
          remove(waiter);
          totals.expired++;
          report.expired++;
          deps.onOutcome?.('expired');
          settle('expired');
        }),
      };
      queue.add(waiter);
      room.waiting++;
      if (here && !releasing) {
        releasing = true;
        timer = system.setTimer(0, () => releaseSome(FIRST_BATCH));
      }
      return () => {
        waiter.timer.cancel();
        if (queue.has(waiter)) deps.onOutcome?.('left');
        remove(waiter);
      };
    },
    review: () => sendAway(({ isMoved }) => isMoved?.() === true),
    close() {
      closed = true;
      timer?.cancel();
      sendAway(() => true);
    },
  };
}
