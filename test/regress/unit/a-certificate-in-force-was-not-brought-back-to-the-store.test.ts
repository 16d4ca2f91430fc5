import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { certificateKey, readCertificate } from '../../../src/acme/stored-certificate.ts';
import { SidecarError } from '../../../src/base/errors.ts';
import { createFileStore } from '../../../src/store/files.ts';
import { type KeeperBench, openKeeperBench } from '../../acme/keeper-bench.ts';
import { setOf } from '../../acme/keeper-life.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

let bench: KeeperBench;
beforeEach(async () => {
  bench = await openKeeperBench({ lifetime: 12 * DAY - HOUR });
});
afterEach(() => bench.close());

/** A running keeper at its second certificate, and what the store had of the first. */
async function startWithTwo() {
  const life = await bench.start();
  await bench.system.run(HOUR);
  const older = (await createFileStore(bench.folder).read(certificateKey(bench.set.id)))!;
  await bench.system.run(9 * DAY);
  expect(bench.scripted.count('new-order')).toBe(2);
  return { life, older, served: life.served(bench.set)!.fingerprint256 };
}

/** The keeper looks again when somebody sets the clock. */
async function untilLookedAgain(): Promise<void> {
  bench.system.step(2 * MINUTE);
  await bench.system.run(20 * MINUTE);
}

describe('what the store has lost of a certificate in force', () => {
  it.each<[string, (older: Buffer) => Promise<void>]>([
    ['damaged', () => createFileStore(bench.folder).write(certificateKey(bench.set.id), Buffer.from('garbage'))],
    ['gone', () => createFileStore(bench.folder).remove(certificateKey(bench.set.id))],
    [
      'older, restored from a backup,',
      (older) => createFileStore(bench.folder).write(certificateKey(bench.set.id), older),
    ],
  ])('because it is %s is stored anew, with no order', async (_how, harm) => {
    const { life, older, served } = await startWithTwo();
    await harm(older);
    await untilLookedAgain();
    expect((await readCertificate(life.store, bench.set.id))?.certificate.fingerprint256).toBe(served);
    expect(life.log.at('info').filter((line) => line.includes('is in the store now'))).toHaveLength(1);
    await life.end();
    const next = await bench.start();
    await bench.system.run(HOUR);
    expect(next.served(bench.set)?.fingerprint256).toBe(served);
    expect(bench.scripted.count('new-order')).toBe(2);
  });
});

describe('a stored certificate that cannot be read', () => {
  it('does not keep the others from being renewed, and is said once', async () => {
    const other = setOf('other.test');
    let isBroken = false;
    const life = await bench.start({
      sets: [bench.set, other],
      around(when, what) {
        if (isBroken && when === 'before' && what === `read ${certificateKey(bench.set.id)}`)
          throw new SidecarError('It is not ours to read.', { code: 'store-forbidden', blame: 'operator' });
      },
    });
    await bench.system.run(HOUR);
    const first = life.served(other)!.fingerprint256;
    isBroken = true;
    await bench.system.run(11 * DAY);
    expect(life.served(other)?.fingerprint256).not.toBe(first);
    const warnings = life.log.at('warn').filter((line) => line.includes('It is not ours to read.'));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(bench.set.names.join(', '));
    expect(life.keeper.status()[0]?.next.why).toContain('It is not ours to read.');
    isBroken = false;
    await bench.system.run(HOUR);
    expect(bench.scripted.orders.issued).toHaveLength(4);
  });
});
