import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PreflightVerdict } from '../../src/acme/preflight.ts';
import { readVeto } from '../../src/acme/veto-record.ts';
import { startScriptedCa } from '../harness/scripted-ca.ts';
import { type KeeperBench, openKeeperBench, T0 } from './keeper-bench.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

let bench: KeeperBench;
beforeEach(async () => {
  bench = await openKeeperBench();
});
afterEach(() => bench.close());

const order: PreflightVerdict = { do: 'order', stagingOnly: false, challenges: new Map(), findings: [], why: 'Go.' };
const veto = (what: string): PreflightVerdict => ({
  ...order,
  do: 'veto',
  findings: [{ id: 'name-does-not-resolve', level: 'veto', name: 'example.test', what, fix: 'Publish a record.' }],
  why: `No order: ${what}`,
});

describe('what preflight forbids', () => {
  it('is in the store with its reason and since when, over restarts, until it is over', async () => {
    let verdict = veto('There is no record.');
    const first = await bench.start({ preflight: async () => verdict });
    const read = () => readVeto(first.store, bench.set.id);
    await bench.system.run(HOUR);
    const findings = [{ id: 'name-does-not-resolve', what: 'There is no record.', fix: 'Publish a record.' }];
    expect(await read()).toEqual({ since: T0, why: 'No order: There is no record.', findings });
    await first.end();

    verdict = veto('The record is wrong.');
    await bench.start({ preflight: async () => verdict });
    await bench.system.run(HOUR);
    expect(await read()).toMatchObject({ since: T0, why: 'No order: The record is wrong.' });
    expect(bench.scripted.count('new-order')).toBe(0);

    verdict = { ...order, challenges: new Map(bench.set.names.map((name) => [name, ['http-01']])) };
    await bench.system.run(HOUR);
    expect(await read()).toBeUndefined();
    expect(bench.scripted.orders.issued).toHaveLength(1);
  });

  it('is no news each time, so it is written once', async () => {
    let writes = 0;
    await bench.start({
      preflight: async () => veto('There is no record.'),
      around: (when, what) => void (when === 'after' && what.startsWith('write acme/vetoes/') && writes++),
    });
    await bench.system.run(HOUR);
    expect(writes).toBe(1);
  });

  it('is forgotten when a certificate came from elsewhere', async () => {
    const first = await bench.start();
    await bench.system.run(HOUR);
    await first.store.write(`acme/vetoes/${bench.set.id}.json`, Buffer.from('{"since":1,"why":"x","findings":[]}'));
    await first.end();
    const next = await bench.start();
    await bench.system.run(HOUR);
    expect(await readVeto(next.store, bench.set.id)).toBeUndefined();
  });
});

describe('a store that is lost with its container', () => {
  it('gets a certificate from staging, and another only when that is due', async () => {
    const staging = await startScriptedCa({ now: () => bench.system.trueNow(), validate: async () => undefined });
    try {
      const challenges = new Map(bench.set.names.map((name) => [name, ['http-01'] as const]));
      let stagingOnly = true;
      const life = await bench.start({ staging, preflight: async () => ({ ...order, challenges, stagingOnly }) });
      await bench.system.run(2 * DAY);
      expect([staging.orders.made.length, bench.scripted.orders.made.length]).toEqual([1, 0]);
      expect(life.keeper.status()[0]?.next.why).toContain('does not survive');
      stagingOnly = false;
      await bench.system.run(2 * HOUR);
      expect([staging.orders.made.length, bench.scripted.orders.made.length]).toEqual([1, 1]);
    } finally {
      await bench.close();
      await staging.close();
    }
  });
});
