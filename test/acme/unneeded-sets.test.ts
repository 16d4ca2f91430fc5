import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { certificateKey } from '../../src/acme/stored-certificate.ts';
import { writeVeto } from '../../src/acme/veto-record.ts';
import { type KeeperBench, openKeeperBench } from './keeper-bench.ts';
import { setOf } from './keeper-life.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const LIFETIME = 10 * DAY;

let bench: KeeperBench;
beforeEach(async () => {
  bench = await openKeeperBench({ lifetime: LIFETIME });
});
afterEach(() => bench.close());

const old = setOf('old.example.test');

/** Two certificates, and then a process whose configuration needs one of them. */
async function takeAway() {
  const before = await bench.start({ sets: [bench.set, old] });
  await bench.system.run(HOUR);
  await writeVeto(before.store, old.id, { now: 0, why: 'No.', findings: [] });
  await before.end();
  return bench.start();
}

describe('what a set of names leaves in the store that the configuration no longer has', () => {
  it('is its certificate until thirty days after its end, and nothing else', async () => {
    const { store, log } = await takeAway();
    const isThere = async () => (await store.read(certificateKey(old.id))) !== undefined;
    await bench.system.run(HOUR);
    expect([await isThere(), await store.list('acme/vetoes/')]).toEqual([true, []]);
    await bench.system.run(LIFETIME + 30 * DAY - 3 * HOUR);
    expect(await isThere()).toBe(true);
    await bench.system.run(4 * HOUR);
    expect(await isThere()).toBe(false);
    expect(log.at('info').filter((line) => line.includes('was removed from the store'))).toHaveLength(1);
    // What is needed is there, however old it is.
    expect(await store.read(certificateKey(bench.set.id))).toBeDefined();
  });

  it('spares an order when the names are needed again before', async () => {
    const without = await takeAway();
    await bench.system.run(DAY);
    await without.end();
    const again = await bench.start({ sets: [bench.set, old] });
    await bench.system.run(HOUR);
    expect(again.served(old)?.notAfter).toBeDefined();
    expect(bench.scripted.orders.made).toHaveLength(2);
  });

  it('stays while it is not known what time it is, and where it cannot be read', async () => {
    const first = await takeAway();
    const damaged = 'acme/certificates/zero.test-00000000.json';
    await first.store.write(damaged, Buffer.from('{'));
    await first.end();
    bench.scripted.rules.down = true;
    bench.system.skip(365 * DAY);
    const next = await bench.start();
    await bench.system.run(DAY);
    expect(await next.store.read(certificateKey(old.id))).toBeDefined();
    bench.scripted.rules.down = false;
    await bench.system.run(2 * DAY);
    expect(await next.store.list('acme/certificates/')).toEqual([damaged, certificateKey(bench.set.id)].sort());
  });
});
