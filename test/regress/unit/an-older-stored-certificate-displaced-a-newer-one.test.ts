import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { certificateKey, readCertificate } from '../../../src/acme/stored-certificate.ts';
import { SidecarError } from '../../../src/base/errors.ts';
import { type KeeperBench, openKeeperBench } from '../../acme/keeper-bench.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

let bench: KeeperBench;
beforeEach(async () => {
  bench = await openKeeperBench({ lifetime: 10 * DAY });
});
afterEach(() => bench.close());

/** A keeper with one certificate, and a disk that is full from now on for what `isFull` says. */
async function startWithFullDisk(isFull: (key: string) => boolean) {
  const disk = { full: false };
  const life = await bench.start({
    around(when, what) {
      if (disk.full && when === 'before' && what.startsWith('write ') && isFull(what.slice(6)))
        throw new SidecarError('The disk is full.', { code: 'store-full', blame: 'operator' });
    },
  });
  await bench.system.run(HOUR);
  const first = life.served(bench.set)!;
  expect(bench.scripted.count('new-order')).toBe(1);
  disk.full = true;
  return { life, disk, first };
}

describe('a new certificate that cannot be stored', () => {
  it('stays in force against the older one in the store, and nothing is ordered meanwhile', async () => {
    const { life, disk, first } = await startWithFullDisk((key) => key === certificateKey(bench.set.id));
    await bench.system.run(8 * DAY);
    const second = life.served(bench.set)!;
    expect(second.notAfter).toBeGreaterThan(first.notAfter);
    expect(bench.scripted.count('new-order')).toBe(2);
    expect((await readCertificate(life.store, bench.set.id))?.certificate.fingerprint256).toBe(first.fingerprint256);
    const warnings = life.log.at('warn').filter((line) => line.includes('in force'));
    expect(warnings[0]).toContain('The disk is full.');
    expect(warnings.length).toBeLessThan(30);
    expect(life.keeper.status()[0]?.next.why).toContain('The disk is full.');

    disk.full = false;
    await bench.system.run(10 * MINUTE);
    expect(life.served(bench.set)).toBe(second);
    expect((await readCertificate(life.store, bench.set.id))?.certificate.fingerprint256).toBe(second.fingerprint256);
    expect(bench.scripted.count('new-order')).toBe(2);
  });

  it('is used where nothing at all can be stored from the moment on that it was asked for', async () => {
    let full = false;
    const life = await bench.start({
      around(when, what) {
        if (when === 'after' && what === 'startChallenge') full = true;
        if (full && when === 'before' && what.startsWith('write '))
          throw new SidecarError('The disk is full.', { code: 'store-full', blame: 'operator' });
      },
    });
    await bench.system.run(HOUR);
    expect(life.served(bench.set)?.notAfter).toBeGreaterThan(bench.system.now() + DAY);
    expect(bench.scripted.count('new-order')).toBe(1);
    full = false;
    await bench.system.run(HOUR);
    expect(bench.scripted.count('new-order')).toBe(1);
    expect((await readCertificate(life.store, bench.set.id))?.certificate.fingerprint256).toBe(
      life.served(bench.set)?.fingerprint256,
    );
  });
});
