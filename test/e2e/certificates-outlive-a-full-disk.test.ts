import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { writeRenewalRequest } from '../../src/acme/renewal-request.ts';
import { createFileStore } from '../../src/store/files.ts';
import { type AcmeGround, adviceOf, openAcmeGround, untilLogged, untilReal } from '../harness/acme-ground.ts';
import { lookAtServed } from '../harness/acme-process.ts';
import { createScriptedIssuer } from '../harness/scripted-issuer.ts';
import type { TestSidecar } from '../harness/sidecar.ts';
import { mountSmallDisk, type SmallDisk, whyNoSmallDisk } from '../harness/small-disk.ts';
import { isThorough } from '../harness/thorough.ts';
import { pause } from '../harness/until.ts';
import { findDamage, readHeldCertificates } from '../harness/whole-store.ts';

const missing = whyNoSmallDisk();

if (missing !== undefined && process.env['REQUIRE_PEERS'] === '1') {
  test('a small disk can be mounted, because REQUIRE_PEERS=1 asks for it', () => {
    expect(missing).toBeUndefined();
  });
}

// The reporter folds a suite that is skipped as a whole, its name included.
if (missing !== undefined) console.warn(`Skipped: ${missing}`);
const why = missing === undefined ? '' : ` (skipped: ${missing})`;
describe.skipIf(missing !== undefined)(`A disk that is full${why}`, () => {
  const issuer = createScriptedIssuer();
  let ground: AcmeGround;
  let disk: SmallDisk;
  let store: string;

  beforeEach(async () => {
    ground = await openAcmeGround(issuer);
    disk = await mountSmallDisk(join(ground.folder, 'disk'), 128);
    store = join(disk.here, 'certs');
  });
  afterEach(async () => {
    await ground.close();
    await disk.close();
  });

  const start = (): Promise<TestSidecar> => ground.start(store);

  /** When the CA has signed, and its client has not got it yet. */
  function fillWhenSigned(): void {
    ground.ca.rules.namesIssued = (names) => {
      disk.fill();
      return names;
    };
  }

  async function untilStored(served: Buffer): Promise<void> {
    for (const end = performance.now() + 10_000; performance.now() < end; await pause(20)) {
      const [held] = await readHeldCertificates(store);
      if (held?.certificate.chain[0]?.raw.equals(served) === true) return;
    }
    throw new Error('the certificate in force is not in the store');
  }

  // What is written before an order: the lock, the ledger, a mark that the store lasts, the account.
  const rooms = isThorough ? [0, 4, 8, 12, 16] : [0];
  it.each(rooms)('before the first order, with %i KiB left: nothing is ordered, and the ports answer', async (left) => {
    disk.fill(left);
    const sidecar = await start();
    const line = await untilLogged(sidecar, /the disk is full/);
    await untilLogged(sidecar, /the disk is full/, sidecar.logged.length);
    expect(adviceOf(line)).toMatch(/Free some space|Make the store writable/);
    expect((await lookAtServed(sidecar.https)).bootstrap).toBe(true);
    expect(ground.ca.count('new-order')).toBe(0);
    disk.makeRoom();
    const { der } = await untilReal(sidecar, 30_000);
    await untilStored(der);
    expect(ground.ca.count('new-order')).toBe(1);
    expect(await findDamage(store)).toEqual([]);
    // Locks that could not be written are no locks.
    expect(await readdir(join(store, '.leases/acme-keeper'))).toHaveLength(1);
  });

  it('between the order and its certificate: it is served at once, and stored when there is room', async () => {
    fillWhenSigned();
    const sidecar = await start();
    const { der } = await untilReal(sidecar);
    const line = await untilLogged(sidecar, /is in force, but not in the store/);
    expect(line.sentence).toContain('the disk is full');
    expect(adviceOf(line)).toContain('Free some space');
    expect(await readHeldCertificates(store)).toEqual([]);
    disk.makeRoom();
    await untilStored(der);
    expect(await findDamage(store)).toEqual([]);
    await sidecar.close();
    expect((await lookAtServed((await start()).https)).der).toEqual(der);
    expect(ground.ca.count('new-order')).toBe(1);
  });

  it('in the middle of a renewal: the new certificate is served, the old one does not come back', async () => {
    const sidecar = await start();
    const old = await untilReal(sidecar);
    await untilStored(old.der);
    fillWhenSigned();
    await writeRenewalRequest(createFileStore(store), { sets: 'all' });
    await untilLogged(sidecar, /is in force, but not in the store/);
    const seen = new Set<string>();
    // The store is looked at several times in this while.
    for (const end = performance.now() + 2_000; performance.now() < end; await pause(50)) {
      seen.add((await lookAtServed(sidecar.https)).der.toString('hex'));
    }
    expect([...seen]).toEqual([expect.not.stringContaining(old.der.toString('hex'))]);
    disk.makeRoom();
    await untilStored(Buffer.from([...seen][0]!, 'hex'));
    expect(ground.ca.count('new-order')).toBe(2);
  });
});
