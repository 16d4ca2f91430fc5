import type { Upstream, UpstreamPool } from '../base/address.ts';
import type { ResolvedAddress, System } from '../base/system.ts';
import { type ChooseByKey, createChooseByKey } from './choose-by-key.ts';
import { chooseLeastBusy } from './choose-instance.ts';
import { groupAddresses } from './group-addresses.ts';
import { Instance } from './instance.ts';
import { afterGoodAnswer, afterTrouble, type Health, nextQuestion, shareOf, type Trouble } from './instance-health.ts';

/** What happened to an instance, for the log. */
export interface InstanceNews {
  /** For people. */
  readonly instance: string;
  /** Instances that are here now, of so many. */
  readonly here: number;
  readonly of: number;
}

export interface InstanceSetDeps {
  readonly system: System;
  /** Others stand in for this upstream, so that its only instance is asked and ejected as one of several is. */
  readonly replaceable?: boolean;
  /** Asks an instance how it is; undefined when it is well. Never rejects. */
  ask(instance: Instance): Promise<Trouble | undefined>;
  /** Where its name led last, nobody answers any more. */
  onLost(place: Upstream): void;
  onEjected?(news: InstanceNews & { readonly why: string }): void;
  /** `away`: milliseconds. */
  onReturned?(news: InstanceNews & { readonly away: number }): void;
}

/**
 * The instances of one upstream. While there is one, nothing is asked and nothing ejected: a hold knows better what to do
 * about the only one. Of several, each is asked at times how it is, and gets no requests while it is not well.
 */
export interface InstanceSet {
  readonly all: readonly Instance[];
  /** The one, where there is one and nobody stands in for it. */
  readonly only: Instance | undefined;
  /**
   * Of those that are here and not in `tried` the least busy, or the one that `key` belongs to; where there is none,
   * another. `place` narrows the choice.
   */
  choose(tried?: ReadonlySet<Instance>, key?: string, place?: Upstream): Instance;
  /** Is there one that is here, and not in `tried`? */
  hasOther(tried: ReadonlySet<Instance>): boolean;
  /** A name leads to these addresses now. */
  learn(place: Upstream, addresses: readonly ResolvedAddress[]): void;
  trouble(instance: Instance, trouble: Trouble): void;
  /** It answered: the request well, or a question about its health (`asked`), which alone brings it back. */
  good(instance: Instance, asked: boolean): void;
  close(): void;
}

export function createInstanceSet({ instances: places }: UpstreamPool, deps: InstanceSetDeps): InstanceSet {
  const { system } = deps;
  const began = system.monotonic();
  const random = createDice(system);
  let all: readonly Instance[] = places.map((place) => new Instance(place, [], began, false));
  const asking = new Set<Instance>();
  let closed = false;

  const replaceable = deps.replaceable === true;
  let byKey: { readonly of: readonly Instance[]; readonly choose: ChooseByKey } | undefined;

  const isOnly = (): boolean => all.length === 1 && !replaceable;
  const countHere = (): number => all.filter(({ health }) => health.state === 'here').length;
  const news = (instance: Instance) => ({ instance: instance.text, here: countHere(), of: all.length });
  for (const instance of all) askLater(instance);

  function askLater(instance: Instance): void {
    instance.question?.cancel();
    if (closed || instance.gone || asking.has(instance) || isOnly()) return;
    instance.question = system.setTimer(nextQuestion(instance.health), () => void ask(instance));
  }

  async function ask(instance: Instance): Promise<void> {
    asking.add(instance);
    const found = await deps.ask(instance);
    asking.delete(instance);
    if (closed || instance.gone) return;
    if (found === undefined) good(instance, true);
    else trouble(instance, found);
    askLater(instance);
  }

  function trouble(instance: Instance, what: Trouble): void {
    const { place } = instance;
    const others = all.filter((other) => other !== instance && other.health.state === 'here');
    if (what.kind !== 'other' && !others.some((other) => other.place === place)) deps.onLost(place);
    if (instance.gone || isOnly()) return;
    const next = afterTrouble(instance.health, what, system.monotonic(), others.length === 0);
    const changed = change(instance, next);
    if (!changed || next.state === 'here') return;
    instance.dropIdle();
    deps.onEjected?.({ ...news(instance), why: what.why });
  }

  function good(instance: Instance, asked: boolean): void {
    const { health } = instance;
    if (health.state === 'ejected' ? !asked || instance.gone : health.strikes === 0) return;
    const now = system.monotonic();
    change(instance, afterGoodAnswer(health, now));
    if (health.state === 'ejected') deps.onReturned?.({ ...news(instance), away: now - health.since });
  }

  /** Those of another upstream, which stood in for this one or it for them, do not count. */
  function countOwn(tried: ReadonlySet<Instance>): number {
    let own = 0;
    for (const { place } of tried) if (places.includes(place)) own++;
    return own;
  }

  /** Whether it is another state of health; then it is time for another question, too. */
  function change(instance: Instance, next: Health): boolean {
    if (next === instance.health) return false;
    instance.health = next;
    askLater(instance);
    return true;
  }

  function learn(place: Upstream, found: readonly ResolvedAddress[]): void {
    const groups = groupAddresses(found);
    const before = all.filter((instance) => instance.place === place);
    if (closed || before.length === 0) return;
    if (before.length === 1 && groups.length === 1) {
      // Wherever it leads: what is idle may as well lead to who is still there.
      before[0]!.addresses = groups[0]!;
      return;
    }
    const now = system.monotonic();
    const late = before[0]!.addresses.length > 0;
    const left = new Set(before);
    const after = groups.map((group) => {
      const same = [...left].find(({ addresses }) => addresses.length === 0 || overlap(addresses, group));
      if (same === undefined) return new Instance(place, group, now, late);
      left.delete(same);
      same.addresses = group;
      return same;
    });
    for (const instance of after) instance.oneOfName = after.length > 1;
    for (const instance of left) {
      instance.gone = true;
      instance.question?.cancel();
      instance.dropIdle();
    }
    const several = all.length > 1;
    all = all.flatMap((instance) => (instance === before[0] ? after : instance.place === place ? [] : [instance]));
    if (isOnly()) change(all[0]!, afterGoodAnswer(all[0]!.health, now));
    for (const instance of all) if (!several || after.includes(instance)) askLater(instance);
  }

  return {
    get all() {
      return all;
    },
    get only() {
      return isOnly() ? all[0] : undefined;
    },
    choose(tried, key, place) {
      const now = system.monotonic();
      if (key !== undefined) {
        if (byKey?.of !== all) byKey = { of: all, choose: createChooseByKey(all) };
        const chosen = byKey.choose(key, now, tried, place);
        if (chosen !== undefined) return chosen;
      }
      const within = (instance: Instance): boolean => place === undefined || instance.place === place;
      const share = (instance: Instance): number =>
        within(instance) && tried?.has(instance) !== true ? shareOf(instance.health, now) : 0;
      return (
        chooseLeastBusy(all, share, random) ??
        chooseLeastBusy(all, (instance) => (within(instance) && tried?.has(instance) !== true ? 1 : 0), random) ??
        chooseLeastBusy(all, (instance) => (within(instance) ? 1 : 0), random) ??
        all[0]!
      );
    },
    // Who has been with as many as there are has been everywhere: a name may lead to others each time.
    hasOther(tried) {
      const here = all.some((instance) => instance.health.state === 'here' && !tried.has(instance));
      return here && (tried.size < all.length || countOwn(tried) < all.length);
    },
    learn,
    trouble,
    good,
    close() {
      closed = true;
      for (const instance of all) {
        instance.question?.cancel();
        instance.dropIdle();
      }
    },
  };
}

function overlap(some: readonly ResolvedAddress[], others: readonly ResolvedAddress[]): boolean {
  return some.some(({ address }) => others.some((other) => other.address === address));
}

/** A number from 0 to 1, 1 excluded, for choices that nobody gains by foreseeing (xorshift32). */
function createDice(system: System): () => number {
  let state = system.randomBytes(4).readUInt32LE() || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
