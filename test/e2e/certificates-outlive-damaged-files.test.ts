import { generateKeyPairSync } from 'node:crypto';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { writeRenewalRequest } from '../../src/acme/renewal-request.ts';
import { createFileStore } from '../../src/store/files.ts';
import { type AcmeGround, adviceOf, openAcmeGround, untilLogged, untilReal } from '../harness/acme-ground.ts';
import { lookAtServed } from '../harness/acme-process.ts';
import type { TestSidecar } from '../harness/sidecar.ts';
import { isThorough } from '../harness/thorough.ts';
import { pause } from '../harness/until.ts';
import { findDamage, readHeldCertificates } from '../harness/whole-store.ts';

let ground: AcmeGround;
/** A store with all that an issuance leaves behind. */
let good: string;
let der: Buffer;
/** What the sidecar under test works on: a copy. */
let store: string;
let copies = 0;
const running: TestSidecar[] = [];

beforeAll(async () => {
  ground = await openAcmeGround();
  good = join(ground.folder, 'good');
  const sidecar = await ground.start(good);
  der = (await untilReal(sidecar)).der;
  while ((await createFileStore(good).list('acme/order-keys/')).length > 0) await pause(20);
  await sidecar.close();
});
afterAll(() => ground.close());
beforeEach(async () => {
  copies += 1;
  store = join(ground.folder, `copy-${copies}`);
  await cp(good, store, { recursive: true });
});
afterEach(async () => {
  for (const sidecar of running.splice(0)) await sidecar.close();
});

async function start(): Promise<TestSidecar> {
  const sidecar = await ground.start(store);
  running.push(sidecar);
  return sidecar;
}

/** The file of the first key that begins so. */
async function pathOf(prefix: string): Promise<string> {
  const [key] = await createFileStore(store).list(prefix);
  return join(store, key ?? prefix);
}

const orders = (): number => ground.ca.count('new-order');

/** Until the keeper has looked at everything twice: it takes what is asked for before it does. */
async function untilLookedAfter(): Promise<void> {
  for (let times = 0; times < 2; times++) {
    await writeRenewalRequest(createFileStore(store), { sets: [] });
    for (const end = performance.now() + 10_000; performance.now() < end; await pause(20)) {
      if ((await createFileStore(store).list('acme/requests/')).length === 0) break;
    }
  }
  await pause(150);
}

const text = (bytes: Buffer): string => bytes.toString('utf8');
const otherKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });

type Break = readonly [how: string, change: (bytes: Buffer) => Uint8Array | string];

/** Ways in which a file of JSON can be broken. */
const ALL_BREAKS: readonly Break[] = [
  ['cut off in the middle', (bytes) => bytes.subarray(0, bytes.length / 2)],
  ['empty', () => ''],
  ['zeros, as after a power cut', (bytes) => Buffer.alloc(bytes.length)],
  ['garbage', (bytes) => bytes.map((byte, index) => byte ^ (0x5a + index))],
  ['JSON of another kind', () => '[null, {"key": 7}]'],
];

const BREAKS = isThorough ? ALL_BREAKS : ALL_BREAKS.slice(0, 1);

async function damage(path: string, change: Break[1]): Promise<Buffer> {
  const changed = change(await readFile(path));
  const bytes = Buffer.from(changed as string);
  await writeFile(path, bytes);
  return bytes;
}

describe('A damaged certificate', () => {
  it.each<Break>([
    ...BREAKS,
    ['one with another key', (bytes) => JSON.stringify({ ...JSON.parse(text(bytes)), keyPem: otherKey })],
    ['one with half a PEM block', (bytes) => text(bytes).replace(/(BEGIN CERTIFICATE.{400}).*?(",")/s, '$1$2')],
  ])('(%s) is named, and replaced by one order', async (_how, change) => {
    const before = orders();
    const path = await pathOf('acme/certificates/');
    await damage(path, change);
    const sidecar = await start();
    const line = await untilLogged(sidecar, /is damaged/);
    expect(line.sentence).toContain(path);
    expect(adviceOf(line)).toContain('backup');
    const renewed = await untilReal(sidecar);
    expect(renewed.der).not.toEqual(der);
    await untilLookedAfter();
    expect(orders()).toBe(before + 1);
    expect(await findDamage(store)).toEqual([]);
  });

  it('does no harm to the process that serves it', async () => {
    const before = orders();
    const sidecar = await start();
    await damage(await pathOf('acme/certificates/'), () => 'garbage');
    await untilLogged(sidecar, /is damaged/);
    await untilLookedAfter();
    expect((await lookAtServed(sidecar.https)).der).toEqual(der);
    expect(orders()).toBe(before);
    // And what it serves is brought back.
    await untilLogged(sidecar, /in force is in the store now/);
    expect((await readHeldCertificates(store))[0]?.certificate.chain[0]?.raw).toEqual(der);
    expect(await findDamage(store)).toEqual([]);
  });

  it('whose place a folder has taken stops orders, and says so', async () => {
    const before = orders();
    const path = await pathOf('acme/certificates/');
    await rm(path);
    await mkdir(path);
    const sidecar = await start();
    const line = await untilLogged(sidecar, /serving goes on.*a folder where a file should be/);
    expect(line.sentence).toContain(path);
    expect((await lookAtServed(sidecar.https)).bootstrap).toBe(true);
    expect(orders()).toBe(before);
  });
});

describe('A damaged ledger', () => {
  it.each(BREAKS)('(%s) is named and begun anew, and nothing is ordered for an hour', async (_how, change) => {
    const before = orders();
    const path = await pathOf('acme/ledger');
    await damage(path, change);
    const sidecar = await start();
    const line = await untilLogged(sidecar, /ledger of certificate orders could not be read/);
    expect(JSON.stringify(line)).toContain(path);
    await writeRenewalRequest(createFileStore(store), { sets: 'all' });
    await untilLookedAfter();
    expect((await lookAtServed(sidecar.https)).der).toEqual(der);
    expect(orders()).toBe(before);
    expect(await findDamage(store)).toEqual([]);
  });
});

describe('A damaged account', () => {
  it.each(BREAKS)('(%s) is named, left as it is, and does not disturb what is served', async (_how, change) => {
    const before = orders();
    const accounts = ground.ca.orders.accounts.length;
    const path = join(store, (await createFileStore(store).list('acme/')).find((key) => key.endsWith('account.json'))!);
    const damaged = await damage(path, change);
    const sidecar = await start();
    await writeRenewalRequest(createFileStore(store), { sets: 'all' });
    const line = await untilLogged(sidecar, /ACME account in .* cannot be used/);
    expect(line.sentence).toContain(path);
    expect(adviceOf(line)).toContain('Restore it from a backup, or remove it');
    await untilLookedAfter();
    expect((await lookAtServed(sidecar.https)).der).toEqual(der);
    expect([orders(), ground.ca.orders.accounts.length]).toEqual([before, accounts]);
    expect(await readFile(path)).toEqual(damaged);
    // As the message says.
    await rm(path);
    await writeRenewalRequest(createFileStore(store), { sets: 'all' });
    for (const end = performance.now() + 10_000; performance.now() < end && orders() === before; ) await pause(20);
    expect(orders()).toBe(before + 1);
  });
});

describe('What is of no use any more when it is damaged', () => {
  it.each([
    ['the answer to a challenge', 'acme/challenges/http-01/token.json'],
    ['a wish to renew', 'acme/requests/renew.json'],
    ['the key of an order', 'acme/order-keys/1.json'],
    ['the mark that the store lasts', 'acme/marker'],
  ])('does nothing: %s', async (_what, key) => {
    const before = orders();
    await createFileStore(store).write(key, Buffer.from('{"until": "gar'));
    const sidecar = await start();
    await untilLookedAfter();
    expect((await lookAtServed(sidecar.https)).der).toEqual(der);
    expect(orders()).toBe(before);
    expect((await readHeldCertificates(store))[0]?.certificate.chain[0]?.raw).toEqual(der);
  });
});

describe('A damaged lock', () => {
  it.each([
    ['empty', ''],
    ['garbage', '\0\0\0'],
  ])('(%s) is served past', async (_how, content) => {
    const before = orders();
    await writeFile(join(store, '.leases/acme-keeper/.generation-7'), content);
    const sidecar = await start();
    expect((await lookAtServed(sidecar.https)).der).toEqual(der);
    expect(orders()).toBe(before);
  });

  // Its holder may just be writing it: it is not believed for 20 seconds.
  if (isThorough) {
    it('keeps nobody waiting for longer than half a minute', async () => {
      await writeFile(join(store, '.leases/acme-keeper/.generation-7'), 'garbage');
      await rm(await pathOf('acme/certificates/'));
      const sidecar = await start();
      await untilReal(sidecar, 40_000);
      expect(await findDamage(store)).toEqual([]);
    });
  }
});
