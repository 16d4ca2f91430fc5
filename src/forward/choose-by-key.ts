import type { Upstream } from '../base/address.ts';
import type { Instance } from './instance.ts';
import { shareOf } from './instance-health.ts';
import { createStableChoice } from './stable-choice.ts';

/**
 * The instance that a key belongs to, of those that are here, not in `tried`, and of `place` where one is given. Undefined
 * where there is none. `now` is `System.monotonic`.
 */
export type ChooseByKey = (
  key: string,
  now: number,
  tried?: ReadonlySet<Instance>,
  place?: Upstream,
) => Instance | undefined;

/** The keys of an instance that is ejected go to the others, and come back with its share, a few at first. */
export function createChooseByKey(instances: readonly Instance[]): ChooseByKey {
  const choose = createStableChoice(instances.map(({ text }) => text));
  return (key, now, tried, place) => {
    const isAllowed = (instance: Instance): boolean =>
      tried?.has(instance) !== true && (place === undefined || instance.place === place);
    const chosen = choose(key, (index, lot) => {
      const instance = instances[index]!;
      return isAllowed(instance) && shareOf(instance.health, now) > lot;
    });
    if (chosen !== -1) return instances[chosen];
    // All that are here have just come back, and this is not one of the keys that they have by now.
    return instances[choose(key, (index) => instances[index]!.health.state === 'here' && isAllowed(instances[index]!))];
  };
}
