import type { Instance } from './instance.ts';
import type { UpstreamWay } from './upstream-way.ts';

const NONE: ReadonlySet<Instance> = new Set();

/** Between the pools of a chain, where commas stand between the instances of one. */
const THEN = '; ';

/** Several pools in their order: a request goes to the first that has an instance which is here. */
export function createPoolChain(tiers: readonly [UpstreamWay, ...UpstreamWay[]]): UpstreamWay {
  const [first] = tiers;
  return {
    upstream: { text: tiers.map(({ upstream }) => upstream.text).join(THEN) },
    take(options) {
      const tried = options?.tried ?? NONE;
      return (tiers.find((tier) => tier.hasOther(tried)) ?? first).take(options);
    },
    hasOther: (tried) => tiers.some((tier) => tier.hasOther(tried)),
    dial(key, done) {
      const isHere = (tier: UpstreamWay): boolean => tier.hasOther(NONE);
      const order = [...tiers.filter(isHere), ...tiers.filter((tier) => !isHere(tier))];
      const dialNext = (index: number): void =>
        order[index]!.dial(key, (error, socket) => {
          if (socket !== null || index + 1 === order.length) done(error, socket);
          else dialNext(index + 1);
        });
      dialNext(0);
    },
    async probe() {
      // All are asked, so that each that is back is known to be.
      const asked = tiers.map(async (tier) => {
        if (!(await tier.probe())) throw new Error(tier.upstream.text);
      });
      return Promise.any(asked).then(
        () => true,
        () => false,
      );
    },
  };
}
