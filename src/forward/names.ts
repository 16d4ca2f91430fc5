import { describeError } from '../base/errors.ts';
import type { ResolvedAddress, System, Timer } from '../base/system.ts';

/** How long the last known addresses do while a name does not resolve. Milliseconds. */
const LAST_KNOWN = 300_000;
/** A resolver that takes longer than this is not waited for where there are last known addresses. */
const SLOW = 1_000;
/** Longer than this, and a question may just be lost: one more is asked beside it. */
const LOST = 2_000;
/** Questions for one name at a time. Each may keep a thread of the process, of which there are few. */
const MOST_QUESTIONS = 2;

export interface NameAnswer {
  /** At least one. */
  readonly addresses: readonly ResolvedAddress[];
  /** True for what the resolver said earlier, because it says nothing now. */
  readonly old: boolean;
}

/** What the names of upstreams lead to. */
export interface Names {
  /** Asks anew, or shares the question that is under way. Rejects with the resolver's error where nothing is known. */
  resolve(host: string): Promise<NameAnswer>;
  /** Where a name led last, nobody answers: while it does not resolve, that is no help any more. */
  distrust(host: string): void;
}

export interface NamesDeps {
  readonly system: System;
  /** A name stopped resolving, and its last known addresses are used for now. */
  onFailing?(host: string, why: string, addresses: readonly ResolvedAddress[]): void;
  /** It resolves again, after so many milliseconds. */
  onBack?(host: string, failed: number): void;
}

interface Waiter {
  resolve(answer: NameAnswer): void;
  reject(error: unknown): void;
}

/** One name. */
interface Name {
  known: readonly ResolvedAddress[] | undefined;
  failingSince: number | undefined;
  questions: number;
  askedAt: number;
  answeredAt: number;
  slow: boolean;
  impatience: Timer | undefined;
  waiting: Waiter[];
}

/**
 * Resolves names for new connections: nothing is cached while the resolver answers, so that a recreated container is found
 * at once; but all who wait share a question, and what was known last stands in for a resolver that fails or is slow.
 */
export function createNames(deps: NamesDeps): Names {
  const { system } = deps;
  const names = new Map<string, Name>();

  function find(host: string): Name {
    const name = names.get(host) ?? {
      known: undefined,
      failingSince: undefined,
      questions: 0,
      askedAt: 0,
      answeredAt: Number.NEGATIVE_INFINITY,
      slow: false,
      impatience: undefined,
      waiting: [],
    };
    names.set(host, name);
    return name;
  }

  /** What may be used in place of an answer. */
  function lastKnown(name: Name): NameAnswer | undefined {
    const failing = name.failingSince === undefined ? 0 : system.monotonic() - name.failingSince;
    return name.known === undefined || failing > LAST_KNOWN ? undefined : { addresses: name.known, old: true };
  }

  function settle(name: Name, how: (waiter: Waiter) => void): void {
    for (const waiter of name.waiting.splice(0)) how(waiter);
  }

  function ask(host: string, name: Name): void {
    name.questions++;
    const asked = system.monotonic();
    name.askedAt = asked;
    name.impatience ??= system.setTimer(SLOW, () => {
      name.slow = true;
      const old = lastKnown(name);
      if (old !== undefined) settle(name, (waiter) => waiter.resolve(old));
    });
    void lookUp(host).then(
      (addresses) => {
        answered(name);
        const { failingSince } = name;
        name.failingSince = undefined;
        name.answeredAt = system.monotonic();
        name.known = addresses;
        if (failingSince !== undefined) deps.onBack?.(host, system.monotonic() - failingSince);
        settle(name, (waiter) => waiter.resolve({ addresses, old: false }));
      },
      (error: unknown) => {
        answered(name);
        // A question that was lost long ago says nothing against an answer to a later one.
        if (asked >= name.answeredAt) fail(host, name, error);
        else if (name.waiting.length > 0 && name.questions === 0) ask(host, name);
      },
    );
  }

  async function lookUp(host: string): Promise<readonly ResolvedAddress[]> {
    const addresses = await system.lookup(host);
    if (addresses.length > 0) return addresses;
    throw Object.assign(new Error(`${host} has no addresses`), { code: 'ENOTFOUND' });
  }

  function answered(name: Name): void {
    name.questions--;
    name.slow = false;
    name.impatience?.cancel();
    name.impatience = undefined;
  }

  function fail(host: string, name: Name, error: unknown): void {
    const first = name.failingSince === undefined && name.known !== undefined;
    if (first) name.failingSince = system.monotonic();
    const old = lastKnown(name);
    if (old === undefined) name.known = undefined;
    else if (first) deps.onFailing?.(host, describeError(error), old.addresses);
    settle(name, (waiter) => (old === undefined ? waiter.reject(error) : waiter.resolve(old)));
  }

  return {
    resolve(host) {
      const name = find(host);
      const late = system.monotonic() - name.askedAt > LOST;
      if (name.questions === 0 || (late && name.questions < MOST_QUESTIONS)) ask(host, name);
      const old = name.slow ? lastKnown(name) : undefined;
      if (old !== undefined) return Promise.resolve(old);
      return new Promise((resolve, reject) => void name.waiting.push({ resolve, reject }));
    },
    distrust(host) {
      const name = names.get(host);
      if (name !== undefined && (name.failingSince !== undefined || name.slow)) name.known = undefined;
    },
  };
}
