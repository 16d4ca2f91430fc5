import { spawnSync } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { type AcmeGround, adviceOf, openAcmeGround, untilLogged, untilReal } from '../harness/acme-ground.ts';
import { lookAtServed, startAcmeProcess } from '../harness/acme-process.ts';
import { MAIN } from '../harness/process.ts';
import { createScriptedIssuer } from '../harness/scripted-issuer.ts';
import { mountSmallDisk, type SmallDisk, whyNoSmallDisk } from '../harness/small-disk.ts';
import { isThorough } from '../harness/thorough.ts';
import { pause } from '../harness/until.ts';
import { findDamage, readHeldCertificates } from '../harness/whole-store.ts';

const DAY = 86_400_000;
const issuer = createScriptedIssuer();
let ground: AcmeGround;

beforeEach(async () => {
  ground = await openAcmeGround(issuer);
});
afterEach(() => ground.close());

const missing = whyNoSmallDisk();

if (missing !== undefined && process.env['REQUIRE_PEERS'] === '1') {
  test('a small disk can be mounted, because REQUIRE_PEERS=1 asks for it', () => {
    expect(missing).toBeUndefined();
  });
}

// The reporter folds a suite that is skipped as a whole, its name included.
if (missing !== undefined) console.warn(`Skipped: ${missing}`);
const why = missing === undefined ? '' : ` (skipped: ${missing})`;
describe.skipIf(missing !== undefined)(`A file system that is read-only${why}`, () => {
  let disk: SmallDisk;
  let store: string;

  beforeEach(async () => {
    disk = await mountSmallDisk(join(ground.folder, 'disk'), 256);
    store = join(disk.here, 'certs');
  });
  afterEach(() => disk.close());

  it('with a certificate in it: it is served, also when it would be time to renew', async () => {
    const first = await ground.start(store);
    const { der } = await untilReal(first);
    while ((await readHeldCertificates(store)).length === 0) await pause(20);
    await first.close();
    await disk.remount('ro');
    const second = await ground.start(store);
    expect((await lookAtServed(second.https)).der).toEqual(der);
    ground.system.step(70 * DAY);
    const line = await untilLogged(second, /serving goes on.*the file system is read-only/);
    expect(line.level).toBe('warn');
    expect(adviceOf(line)).toMatch(/^Mount .* writable/);
    // Again half a minute later: a message that comes once is overlooked.
    await untilLogged(second, /serving goes on.*the file system is read-only/, second.logged.indexOf(line) + 1);
    expect((await lookAtServed(second.https)).der).toEqual(der);
    expect(ground.ca.count('new-order')).toBe(1);
    expect(await findDamage(store)).toEqual([]);
  });

  it('with none: the ports answer, nothing is ordered before it can be written', async () => {
    await disk.remount('ro');
    const sidecar = await ground.start(store);
    const line = await untilLogged(sidecar, /the file system is read-only/);
    expect(adviceOf(line)).toContain(store);
    expect((await lookAtServed(sidecar.https)).bootstrap).toBe(true);
    expect(ground.ca.seen).toEqual([]);
    await disk.remount('rw');
    await untilReal(sidecar);
    expect(ground.ca.count('new-order')).toBe(1);
  });

  // The lock counts as lost only 17 seconds after it could be renewed for the last time.
  if (isThorough) {
    it('that becomes so meanwhile: what is served stays', async () => {
      const sidecar = await ground.start(store);
      const { der } = await untilReal(sidecar);
      while ((await readHeldCertificates(store)).length === 0) await pause(20);
      await disk.remount('ro');
      await pause(17_000);
      await untilLogged(sidecar, /serving goes on.*The store cannot lock .*the file system is read-only/);
      expect((await lookAtServed(sidecar.https)).der).toEqual(der);
      await disk.remount('rw');
      await sidecar.close();
      expect(await findDamage(store)).toEqual([]);
      expect(ground.ca.count('new-order')).toBe(1);
    });
  }
});

// Root may read and write everywhere: the program is started as another user, who can at least read it.
const STRANGER = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--bounding-set=-all'];
const isRoot = process.geteuid?.() === 0;
const through = isRoot ? STRANGER : [];
const canRun =
  spawnSync(
    [...through, process.execPath][0]!,
    [...through, process.execPath].slice(1).concat('-e', `fs.accessSync(${JSON.stringify(MAIN)})`),
  ).status === 0;

describe.skipIf(!canRun)('A folder that belongs to somebody else', () => {
  it.each([
    ['may not be looked into', 0o700],
    ['may not be written to', 0o755],
  ])(
    'and %s: the ports answer, nothing is ordered, and the message has the user and the command',
    async (_what, mode) => {
      const store = join(ground.folder, 'certs');
      await mkdir(store, { mode: 0o700 });
      await chmod(ground.folder, 0o777);
      await chmod(store, isRoot ? mode : mode & 0o577);
      await writeFile(join(ground.folder, 'sidecar.yaml'), ground.yaml(store), { mode: 0o644 });
      await chmod(join(ground.folder, 'ca.pem'), 0o644);
      const running = startAcmeProcess({ folder: ground.folder, through });
      try {
        const ports = await running.ports;
        const line = (await running.logged(/serving goes on.*permission denied/)) as {
          msg: string;
          err: { hint: string };
        };
        const uid = isRoot ? 65534 : process.geteuid!();
        expect(line.msg).toContain(`permission denied to uid ${uid}, as which the sidecar runs`);
        expect(line.err).not.toHaveProperty('stack');
        expect(line.err.hint).toContain(`Run "chown -R ${uid} ${store}" as root`);
        expect((await lookAtServed(ports!.https)).bootstrap).toBe(true);
        expect(ground.ca.seen).toEqual([]);
      } finally {
        await running.close();
        await chmod(store, 0o700);
      }
    },
  );
});
