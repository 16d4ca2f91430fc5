import { describeError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { System } from '../../base/system.ts';
import type { ChallengeType } from '../solver.ts';
import { type ChallengeStore, challengePrefix, parseAnswer, type StoredAnswer } from './challenge-store.ts';

export interface SharedAnswersSlice<T> {
  readonly store: ChallengeStore;
  readonly type: ChallengeType;
  /** Makes a stored answer into what is served, and names it; undefined when it is damaged. */
  read(stored: StoredAnswer): { readonly name: string; readonly value: T } | undefined;
}

export interface SharedAnswersDeps {
  readonly system: System;
  readonly log: Log;
}

/** The answers to challenges under way, whichever process put them into the store, kept in memory. */
export interface SharedAnswers<T> {
  /** Whether any is under way, as far as this process has heard. Costs nothing. */
  pending(): boolean;
  /** An answer, as far as this process has heard. Costs nothing. */
  get(name: string): T | undefined;
  /**
   * Looks in the store again, for what another process put there a moment ago. However many ask, the store is looked
   * at once in LOOK_INTERVAL; who asks in between waits for the next look. Never rejects.
   */
  look(): Promise<void>;
  close(): void;
}

/** Milliseconds between two looks that strangers can bring about. */
export const LOOK_INTERVAL = 1_000;
/** More are not kept: a keeper has a handful of names in one order. */
const MOST = 1_000;

interface Kept<T> {
  readonly name: string;
  readonly value: T;
  readonly until: number;
}

/** Begins to watch the store; there is nothing to wait for. */
export function createSharedAnswers<T>(slice: SharedAnswersSlice<T>, deps: SharedAnswersDeps): SharedAnswers<T> {
  const { store } = slice;
  const { system, log } = deps;
  const prefix = challengePrefix(slice.type);
  const byKey = new Map<string, Kept<T>>();
  const byName = new Map<string, Kept<T>>();
  // One thing after the other: what was read first must not overwrite what was read later.
  let work: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let closed = false;
  let failing = false;

  function keep(key: string, kept: Kept<T> | undefined): void {
    const before = byKey.get(key);
    if (before !== undefined && byName.get(before.name) === before) byName.delete(before.name);
    byKey.delete(key);
    if (kept === undefined || closed || byKey.size >= MOST) return;
    byKey.set(key, kept);
    byName.set(kept.name, kept);
  }

  async function load(key: string): Promise<void> {
    const bytes = await store.read(key);
    const stored = bytes === undefined ? undefined : parseAnswer(bytes);
    const answer = stored === undefined || stored.until <= system.now() ? undefined : readOrNothing(stored, key);
    keep(key, answer === undefined ? undefined : { ...answer, until: stored!.until });
  }

  function readOrNothing(stored: StoredAnswer, key: string): ReturnType<typeof slice.read> {
    try {
      return slice.read(stored);
    } catch (error) {
      log.warn({ err: error, key }, `The answer to a challenge in ${key} is damaged: ${describeError(error)}`);
      return undefined;
    }
  }

  async function loadAll(): Promise<void> {
    const keys = await store.list(prefix);
    for (const key of byKey.keys()) if (!keys.includes(key)) keep(key, undefined);
    // An answer does not change under its key while it is asked for; a change is told by onChange.
    for (const key of keys.slice(0, MOST)) if (!byKey.has(key)) await load(key);
  }

  function enqueue(task: () => Promise<void>): Promise<void> {
    work = work.then(async () => {
      try {
        if (!closed) await task();
        failing = false;
      } catch (error) {
        const what = `Challenges of type ${slice.type} that other processes began may go unanswered`;
        // Once: strangers can bring about an attempt every second.
        if (!failing) log.warn({ err: error }, `${what}: ${describeError(error)}`);
        failing = true;
      }
    });
    return work;
  }

  const isCurrent = (kept: Kept<T>): boolean => kept.until > system.now();
  const stopWatching = store.onChange(prefix, (key) => void enqueue(() => load(key)));
  lookedAt = system.monotonic();
  void enqueue(loadAll);

  return {
    pending: () => byKey.size > 0 && [...byKey.values()].some(isCurrent),
    get(name) {
      const kept = byName.get(name);
      return kept !== undefined && isCurrent(kept) ? kept.value : undefined;
    },
    look() {
      if (closed) return Promise.resolve();
      next ??= new Promise<void>((resolve) => {
        const wait = Math.max(0, lookedAt + LOOK_INTERVAL - system.monotonic());
        system.setTimer(wait, () => {
          next = undefined;
          lookedAt = system.monotonic();
          resolve(enqueue(loadAll));
        });
      });
      return next;
    },
    close() {
      closed = true;
      stopWatching();
      byKey.clear();
      byName.clear();
    },
  };
}
