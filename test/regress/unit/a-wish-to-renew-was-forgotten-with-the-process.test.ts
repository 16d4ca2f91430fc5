import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseLedger } from '../../../src/acme/ledger.ts';
import { LEDGER_KEY } from '../../../src/acme/ledger-store.ts';
import { writeRenewalRequest } from '../../../src/acme/renewal-request.ts';
import { createFileStore } from '../../../src/store/files.ts';
import { type KeeperBench, openKeeperBench } from '../../acme/keeper-bench.ts';
import type { LifeWish } from '../../acme/keeper-life.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

let bench: KeeperBench;
beforeEach(async () => {
  bench = await openKeeperBench();
  const first = await bench.start();
  await bench.system.run(HOUR);
  await first.end();
  await writeRenewalRequest(createFileStore(bench.folder), { sets: [bench.set.id] });
});
afterEach(() => bench.close());

const made = (): number => bench.scripted.orders.made.length;
const readLedger = async () => parseLedger(await createFileStore(bench.folder).read(LEDGER_KEY), 0).ledger;

/** A process that is killed before its call of this kind. */
async function killBefore(call: string): Promise<void> {
  let killed = false;
  const life = await bench.start({
    around(when, what, self) {
      if (when !== 'before' || what !== call || killed) return;
      killed = true;
      self.kill();
    },
  });
  await bench.system.run(HOUR, () => killed);
  expect(killed, call).toBe(true);
  await life.end();
}

async function runFor(ms: number, wish: Partial<LifeWish> = {}): Promise<void> {
  const life = await bench.start(wish);
  await bench.system.run(ms);
  await life.end();
}

describe('what the operator asked for', () => {
  it.each(['newOrder', 'remove acme/requests/renew.json', 'account'])(
    'is done once although the process dies before %s',
    async (call) => {
      await killBefore(call);
      await runFor(HOUR);
      expect(made()).toBe(2);
      expect((await readLedger()).asked).toEqual([]);
      await runFor(HOUR);
      expect(made()).toBe(2);
    },
  );

  it('is tried again by the next process after a failure, and lifts the wait only once', async () => {
    bench.scripted.rules.validate = async () => ({ type: 'dns', detail: 'no such name' });
    await runFor(30_000);
    expect(made()).toBe(2);
    const waits = (await readLedger()).tries[0]?.next?.at;
    for (let restarts = 0; restarts < 5; restarts++) await runFor(1_000);
    expect(made()).toBe(2);
    expect((await readLedger()).tries[0]?.next?.at).toBe(waits);
    bench.scripted.rules.validate = async () => undefined;
    await runFor(HOUR);
    expect((await readLedger()).asked).toEqual([]);
    expect((await readLedger()).orders.at(-1)?.outcome).toBe('issued');
  });
});
