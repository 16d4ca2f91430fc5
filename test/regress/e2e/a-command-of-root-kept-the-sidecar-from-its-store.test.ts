import { execFile, spawnSync } from 'node:child_process';
import { chmod, chown, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type AcmeGround, openAcmeGround } from '../../harness/acme-ground.ts';
import { lookAtServed, startAcmeProcess } from '../../harness/acme-process.ts';
import { MAIN } from '../../harness/process.ts';
import { until } from '../../harness/until.ts';

const UID = 65534;
const STRANGER = ['setpriv', `--reuid=${UID}`, `--regid=${UID}`, '--clear-groups', '--bounding-set=-all'];
const canRun =
  process.geteuid?.() === 0 &&
  spawnSync(STRANGER[0]!, STRANGER.slice(1).concat(process.execPath, '-e', `fs.accessSync(${JSON.stringify(MAIN)})`))
    .status === 0;

let ground: AcmeGround;
beforeEach(async () => {
  ground = await openAcmeGround();
});
afterEach(() => ground.close());

describe.skipIf(!canRun)('`certs renew` by root, in the store of another user', () => {
  it('leaves nothing that the sidecar of that user cannot take, read or replace', async () => {
    const store = join(ground.folder, 'certs');
    await mkdir(store, { mode: 0o700 });
    await chown(store, UID, UID);
    await chmod(ground.folder, 0o755);
    await writeFile(join(ground.folder, 'sidecar.yaml'), ground.yaml(store), { mode: 0o644 });
    await chmod(join(ground.folder, 'ca.pem'), 0o644);
    const renew = ['certs', 'renew', '--config', join(ground.folder, 'sidecar.yaml')];
    const { stdout } = await promisify(execFile)(process.execPath, [MAIN, ...renew]);
    expect(stdout).toContain('the renewal happens when one starts');
    const made = await readdir(store, { recursive: true });
    expect(made).toContain('.leases/acme-keeper/.generation-1');
    for (const path of made) {
      const { uid, gid, mode } = await stat(join(store, path));
      expect([path, uid, gid, mode & 0o077]).toEqual([path, UID, UID, 0]);
    }

    const running = startAcmeProcess({ folder: ground.folder, through: STRANGER });
    try {
      const ports = (await running.ports)!;
      await until('a certificate', async () => !(await lookAtServed(ports.https)).bootstrap, 30_000);
    } finally {
      await running.close();
    }
  });
});
