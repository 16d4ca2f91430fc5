import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeRenewalRequest } from '../../src/acme/renewal-request.ts';
import { createFileStore } from '../../src/store/files.ts';
import { type AcmeGround, openAcmeGround, untilLogged, untilReal } from '../harness/acme-ground.ts';
import { lookAtServed } from '../harness/acme-process.ts';
import { createScriptedIssuer } from '../harness/scripted-issuer.ts';
import type { TestSidecar } from '../harness/sidecar.ts';
import { isThorough } from '../harness/thorough.ts';
import { pause } from '../harness/until.ts';
import { findDamage, readHeldCertificates } from '../harness/whole-store.ts';

const DAY = 86_400_000;
const MORE_STEPS: readonly [string, number][] = [
  ['past the time to renew', 70],
  ['three days forth', 3],
  ['three days back', -3],
];
/** Of the CA's certificates. */
const LIFETIME = 90 * DAY;
const issuer = createScriptedIssuer();
let ground: AcmeGround;
let store: string;

beforeEach(async () => {
  ground = await openAcmeGround(issuer);
  ground.ca.rules.lifetime = LIFETIME;
  store = join(ground.folder, 'certs');
});
afterEach(() => ground.close());

const orders = (): number => ground.ca.count('new-order');

/** A wish that is about nothing wakes the keeper: it takes it, and then looks at everything. */
async function untilLookedAfter(): Promise<void> {
  for (let times = 0; times < 2; times++) {
    await writeRenewalRequest(createFileStore(store), { sets: [] });
    for (const end = performance.now() + 10_000; performance.now() < end; await pause(20)) {
      if ((await createFileStore(store).list('acme/requests/')).length === 0) break;
    }
  }
  await pause(150);
}

async function startWithCertificate(): Promise<TestSidecar> {
  const sidecar = await ground.start(store);
  await untilReal(sidecar);
  while ((await readHeldCertificates(store)).length === 0) await pause(20);
  // Nothing is under way any more.
  await untilLookedAfter();
  return sidecar;
}

function expectNoDefect({ logged }: TestSidecar): void {
  expect(logged.filter(({ sentence }) => /Unexpected|undefined|NaN|Invalid/.test(sentence))).toEqual([]);
  expect(logged.filter(({ level }) => level === 'error')).toEqual([]);
}

describe('A clock that is set while the sidecar runs', () => {
  it.each([
    ['past the end of the certificate', 200],
    ['to before the certificate begins', -200],
    ...(isThorough ? MORE_STEPS : []),
  ])(
    '%s, and right again: it is said, nothing is ordered, and the certificate is served throughout',
    async (_how, days) => {
      const sidecar = await startWithCertificate();
      const { der } = await lookAtServed(sidecar.https);
      ground.system.step(days * DAY);
      await untilLookedAfter();
      const line = await untilLogged(sidecar, /This machine's clock is/);
      expect(line.sentence).toContain(`${days > 0 ? 'ahead of' : 'behind'} the CA's`);
      expect(line.sentence).toContain('Set the clock (NTP)');
      expect((await lookAtServed(sidecar.https)).der).toEqual(der);
      const before = sidecar.logged.length;
      ground.system.step(-days * DAY);
      await untilLookedAfter();
      await untilLogged(sidecar, /clock agrees with the CA's again/, before);
      expect((await lookAtServed(sidecar.https)).der).toEqual(der);
      expect(orders()).toBe(1);
      expectNoDefect(sidecar);
      expect(await findDamage(store)).toEqual([]);
    },
  );

  it('forth and back again and again: no storm', async () => {
    const sidecar = await startWithCertificate();
    const { der } = await lookAtServed(sidecar.https);
    for (const days of [10, -10, -400, 400, ...(isThorough ? [30, -30, 100, -100, 1, -1] : [])]) {
      ground.system.step(days * DAY);
      await untilLookedAfter();
    }
    expect((await lookAtServed(sidecar.https)).der).toEqual(der);
    expect(orders()).toBe(1);
    expectNoDefect(sidecar);
  });
});

describe('A clock that is wrong when the sidecar starts', () => {
  it.each([
    ['years ahead', 1_000],
    ['years behind, as without a battery', -10_000],
  ])(
    '(%s): the first certificate comes all the same, by one order, and is not replaced when the clock is right',
    async (_how, days) => {
      ground.system.step(days * DAY);
      const sidecar = await startWithCertificate();
      const { der } = await lookAtServed(sidecar.https);
      await untilLogged(sidecar, /This machine's clock is/);
      await untilLookedAfter();
      ground.system.step(-days * DAY);
      await untilLookedAfter();
      expect((await lookAtServed(sidecar.https)).der).toEqual(der);
      expect(orders()).toBe(1);
      await sidecar.close();
      const again = await ground.start(store);
      await untilLookedAfter();
      expect((await lookAtServed(again.https)).der).toEqual(der);
      expect(orders()).toBe(1);
    },
  );

  it('and the CA cannot be reached: what is there is served, and the CA is not hammered', async () => {
    await (await startWithCertificate()).close();
    let asked = 0;
    ground.ca.chooseFaults(() => {
      asked += 1;
      return 'cut';
    });
    ground.system.step(200 * DAY);
    const sidecar = await ground.start(store);
    // More than a minute, as the sidecar has it.
    await pause(3_000);
    expect((await lookAtServed(sidecar.https)).bootstrap).toBe(false);
    expect(asked).toBeGreaterThan(0);
    expect(asked).toBeLessThan(60);
    expect(sidecar.logged.filter(({ sentence }) => sentence === 'Ordering a certificate.').length).toBeLessThan(5);
    expect(orders()).toBe(1);
  });
});

it('A clock that really goes on leads to a renewal when it is time', async () => {
  const sidecar = await startWithCertificate();
  const { der } = await lookAtServed(sidecar.https);
  ground.system.pass(70 * DAY);
  for (const end = performance.now() + 10_000; performance.now() < end; await pause(50)) {
    await untilLookedAfter();
    if (!(await lookAtServed(sidecar.https)).der.equals(der)) break;
  }
  await untilLookedAfter();
  expect((await lookAtServed(sidecar.https)).der).not.toEqual(der);
  expect(orders()).toBe(2);
});
