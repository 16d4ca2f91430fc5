import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type KeeperBench, openKeeperBench } from '../../acme/keeper-bench.ts';

const MINUTE = 60_000;

let bench: KeeperBench;
beforeEach(async () => {
  bench = await openKeeperBench();
});
afterEach(() => bench.close());

it('a keeper that another one has followed stores no key for an order, and sends no request with it', async () => {
  const calls: string[] = [];
  const life = await bench.start({
    around(when, what) {
      if (when === 'after') calls.push(what);
      // What the next one does first: the process here was stopped, and has not noticed.
      if (when === 'before' && what.startsWith('write acme/order-keys/'))
        writeFileSync(join(bench.folder, '.leases/acme-keeper/.generation-2'), '');
    },
  });
  await bench.system.run(MINUTE);
  expect(calls).toContain('startChallenge');
  expect(calls.filter((call) => call === 'finalize' || call.startsWith('write acme/order-keys/'))).toEqual([]);
  expect(await life.store.list('acme/order-keys/')).toEqual([]);
  expect(life.keeper.status()[0]?.leads).toBe(false);
});
