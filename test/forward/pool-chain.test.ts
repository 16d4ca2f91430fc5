import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { parseUpstream } from '../../src/base/address.ts';
import { Instance } from '../../src/forward/instance.ts';
import { createPoolChain } from '../../src/forward/pool-chain.ts';
import type { UpstreamConnection } from '../../src/forward/upstream-connection.ts';
import type { UpstreamWay } from '../../src/forward/upstream-way.ts';

function pool(name: string, { here = true, answers = here }: { here?: boolean; answers?: boolean } = {}) {
  const place = parseUpstream(`http://${name}:1`);
  if (!place.ok) throw new Error(name);
  const instance = new Instance(place.value, [], 0, false);
  const probed: number[] = [];
  const way: UpstreamWay = {
    upstream: { text: name },
    take: () => ({ instance }) as UpstreamConnection,
    hasOther: (tried) => here && !tried.has(instance),
    dial: (_key, done) => (answers ? done(null, { instance } as unknown as Socket) : done(new Error(name), null)),
    probe: async () => {
      probed.push(1);
      return answers;
    },
  };
  return { ...way, instance, probed };
}

const away = { here: false };

describe('pools that stand in for each other', () => {
  it.each([
    ['the first that is here takes a request', [pool('a'), pool('b')], 'a'],
    ['where it is not, the next', [pool('a', away), pool('b'), pool('c')], 'b'],
    ['where none is, the first one all the same', [pool('a', away), pool('b', away)], 'a'],
  ] as const)('%s', (_, pools, taken) => {
    expect(createPoolChain(pools).take().instance.place.text).toBe(`http://${taken}:1`);
  });

  it('where a request has been, it does not go again as long as there is another', () => {
    const [a, b] = [pool('a'), pool('b')];
    const chain = createPoolChain([a, b]);
    expect(chain.take({ tried: new Set([a.instance]) }).instance).toBe(b.instance);
    expect(chain.hasOther(new Set([a.instance]))).toBe(true);
    expect(chain.hasOther(new Set([a.instance, b.instance]))).toBe(false);
    expect(chain.upstream.text).toBe('a; b');
  });

  it.each([
    ['the first that is here', [pool('a'), pool('b')], 0],
    ['the next one, where it cannot be reached', [pool('a', { answers: false }), pool('b')], 1],
    [
      'one that is said to be away, where the others cannot be reached',
      [pool('a', { here: false, answers: true }), pool('b', { answers: false })],
      0,
    ],
    ['nobody', [pool('a', away), pool('b', away)], undefined],
  ] as const)('a bare connection is opened to %s', (_, pools, index) => {
    let opened: unknown;
    createPoolChain(pools).dial(undefined, (_error, socket) => {
      opened = (socket as unknown as { instance: Instance } | null)?.instance;
    });
    expect(opened).toBe(index === undefined ? undefined : pools[index]!.instance);
  });

  it.each([
    [true, true, true],
    [false, true, true],
    [false, false, false],
  ])('are there when one answers (%s, %s), and all are asked', async (first, second, there) => {
    const pools = [pool('a', { answers: first }), pool('b', { answers: second })] as const;
    expect(await createPoolChain(pools).probe()).toBe(there);
    expect(pools.map(({ probed }) => probed.length)).toEqual([1, 1]);
  });
});
