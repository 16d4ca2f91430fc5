import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { caFolder } from '../../../src/acme/ca-folder.ts';
import { createFileStore } from '../../../src/store/files.ts';
import { type KeeperBench, openKeeperBench } from '../../acme/keeper-bench.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

let bench: KeeperBench;
beforeEach(async () => {
  bench = await openKeeperBench();
});
afterEach(() => bench.close());

async function killAfter(call: string): Promise<void> {
  const life = await bench.start({
    around: (when, what, self) => void (when === 'after' && what === call && self.kill()),
  });
  await bench.system.run(MINUTE, () => life.killed);
  expect(life.killed).toBe(true);
  await life.end();
}

describe('an order that was left in the middle', () => {
  it('and whose account cannot be used is one failed attempt, and no reason to look after nothing at all', async () => {
    await killAfter('startChallenge');
    const key = `acme/${caFolder(bench.scripted.directoryUrl)}/account.json`;
    await createFileStore(bench.folder).write(key, Buffer.from('garbage'));
    const life = await bench.start();
    await bench.system.run(HOUR);
    expect(life.log.at('warn').filter((line) => line.includes('looked after at the moment'))).toEqual([]);
    expect(life.keeper.status()[0]?.last).toMatchObject({ ok: false, what: expect.stringMatching(/ACME account in/) });
    expect(life.log.at('warn').filter((line) => line.includes('cannot be asked about'))).not.toEqual([]);
  });

  it('and that the CA is never done with gives way to another one, and is asked about more and more seldom', async () => {
    bench.scripted.rules.processingReads = Number.MAX_SAFE_INTEGER;
    await killAfter('finalize');
    bench.scripted.rules.processingReads = 0;
    let reads = 0;
    const life = await bench.start({
      around: (when, what) => void (when === 'before' && what === 'readOrder' && reads++),
    });
    await bench.system.run(3 * HOUR);
    expect(bench.scripted.orders.made).toHaveLength(2);
    expect(life.keeper.status()[0]?.last).toMatchObject({ ok: true });
    await bench.system.run(DAY);
    reads = 0;
    await bench.system.run(DAY);
    expect(reads).toBeLessThan(20);
    expect(bench.scripted.orders.made).toHaveLength(2);
  });
});
