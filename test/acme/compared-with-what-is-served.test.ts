import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type KeeperBench, openKeeperBench } from './keeper-bench.ts';

const MINUTE = 60_000;
const WRONG = 'For example.test another certificate is served.';

let bench: KeeperBench;
beforeEach(async () => {
  bench = await openKeeperBench();
});
afterEach(() => bench.close());

/** A process whose look at itself goes wrong so many times; `looks` are the instants of its looks. */
async function startWith(wrong: number) {
  const looks: number[] = [];
  const life = await bench.start({
    selfCheck: async () => {
      looks.push(bench.system.monotonic());
      return looks.length <= wrong ? WRONG : undefined;
    },
  });
  return { life, looks };
}

describe('a new certificate that is not what is served', () => {
  it('is looked at again while other processes may not have heard of it', async () => {
    const { life, looks } = await startWith(3);
    await bench.system.run(10 * MINUTE);
    expect(looks).toHaveLength(4);
    expect(life.log.at('error')).toEqual([]);
  });

  it('after most of a minute is an error, said once, and the keeper goes on', async () => {
    const { life, looks } = await startWith(Number.POSITIVE_INFINITY);
    await bench.system.run(10 * MINUTE);
    expect(life.log.at('error')).toEqual([`error ${WRONG}`]);
    expect(looks.at(-1)! - looks[0]!).toBeGreaterThanOrEqual(45_000);
    expect(life.keeper.status()[0]?.next.at).toBeGreaterThan(bench.system.now());
  });

  it('does not hold up the end of the process', async () => {
    const { life, looks } = await startWith(Number.POSITIVE_INFINITY);
    await bench.system.run(MINUTE, () => looks.length === 2);
    const before = bench.system.monotonic();
    await life.keeper.close();
    expect(bench.system.monotonic()).toBe(before);
  });
});
