import { chmod, mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SidecarError } from '../../src/base/errors.ts';
import type { System } from '../../src/base/system.ts';
import { createFileStore } from '../../src/store/files.ts';
import type { Store } from '../../src/store/store.ts';
import { explainStoreFailure } from '../../src/store/store-failure.ts';
import { createManualSystem } from '../tls/manual-system.ts';
import { advanceSlowly } from './advance-slowly.ts';
import { describeStoreContract } from './contract.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sidecar-store-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

describeStoreContract('a folder', async () => {
  const own = join(folder, 'certs');
  const system = createManualSystem();
  const stores: Store[] = [];
  const open = (deps: { system: System }): Store => {
    const store = createFileStore(own, deps);
    stores.push(store);
    return store;
  };
  return {
    store: open({ system }),
    again: () => open({ system }),
    elapse: (ms) => advanceSlowly(system, ms),
    async takeOver(name) {
      // The holder's clock stands still meanwhile. Longer than a lease lasts: its process certainly lives.
      const later = createManualSystem();
      const other = open({ system: later });
      expect(await other.acquireLease(name)).toBeUndefined();
      await later.advance(300_000);
      return other.acquireLease(name);
    },
    dispose: async () => {
      for (const store of stores) await store.close();
    },
  };
});

async function failure(work: Promise<unknown>): Promise<SidecarError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(SidecarError);
  return error as SidecarError;
}

describe('the file store', () => {
  it('makes files that only their owner can read, in folders that only their owner can enter', async () => {
    await createFileStore(join(folder, 'certs')).write('acme/account.json', Buffer.from('secret'));
    const mode = async (path: string) => (await stat(join(folder, path))).mode & 0o777;
    expect(await mode('certs')).toBe(0o700);
    expect(await mode('certs/acme')).toBe(0o700);
    expect(await mode('certs/acme/account.json')).toBe(0o600);
  });

  it('makes a file private again that was not when it is replaced', async () => {
    await writeFile(join(folder, 'key'), 'old', { mode: 0o644 });
    await createFileStore(folder).write('key', Buffer.from('new'));
    expect((await stat(join(folder, 'key'))).mode & 0o777).toBe(0o600);
  });

  it('makes no folder before something is written', async () => {
    const store = createFileStore(join(folder, 'certs'));
    expect(await store.list('')).toEqual([]);
    expect(await readdir(folder)).toEqual([]);
  });

  it('leaves no temporary file behind', async () => {
    await createFileStore(folder).write('a/key', Buffer.from('x'));
    expect(await readdir(join(folder, 'a'))).toEqual(['key']);
  });

  it('ignores what a crash left half-written, and removes it an hour later', async () => {
    const [old, recent] = ['.tmp-7-1-key', '.tmp-7-2-key'];
    for (const name of [old, recent]) await writeFile(join(folder, name), 'half');
    const twoHoursAgo = (await stat(join(folder, old))).mtimeMs / 1000 - 7200;
    await utimes(join(folder, old), twoHoursAgo, twoHoursAgo);
    const store = createFileStore(folder);
    expect(await store.list('')).toEqual([]);
    expect(await store.read('key')).toBeUndefined();
    await store.write('other', Buffer.from('x'));
    expect((await readdir(folder)).sort()).toEqual([recent, 'other']);
  });

  it('removes what a crash left half-written also in a folder that is not written to any more', async () => {
    const store = createFileStore(folder);
    await store.write('account/key', Buffer.from('x'));
    const old = join(folder, 'account/.tmp-7-1-key');
    await writeFile(old, 'half');
    const twoHoursAgo = (await stat(old)).mtimeMs / 1000 - 7200;
    await utimes(old, twoHoursAgo, twoHoursAgo);
    await createFileStore(folder).write('other', Buffer.from('x'));
    expect(await readdir(join(folder, 'account'))).toEqual(['key']);
  });

  it('finds a free name when a crash left its own behind', async () => {
    await writeFile(join(folder, `.tmp-${process.pid}-1-key`), 'half');
    const store = createFileStore(folder);
    await store.write('key', Buffer.from('whole'));
    expect((await store.read('key'))?.toString()).toBe('whole');
  });

  it('says so when the folder is a file', async () => {
    const path = join(folder, 'certs');
    await writeFile(path, 'not a folder');
    const store = createFileStore(path);
    for (const attempt of [() => store.write('key', Buffer.from('x')), () => store.read('key'), () => store.list('')]) {
      const error = await failure(attempt());
      expect(error.code).toBe('store-not-a-folder');
      expect(error.message).toContain(path);
      expect(error.hint).toContain(path);
    }
  });

  it('says so when a folder is where the file should be, and leaves nothing half-written', async () => {
    await mkdir(join(folder, 'key'));
    expect((await failure(createFileStore(folder).write('key', Buffer.from('x')))).code).toBe('store-not-a-folder');
    expect(await readdir(folder)).toEqual(['key']);
  });

  it.skipIf(process.platform !== 'linux')('gives up where no folder can be made', async () => {
    const error = await failure(createFileStore('/proc/no-such-folder').write('key', Buffer.from('x')));
    expect(error.message).toContain('/proc/no-such-folder');
  });

  // The superuser may write everywhere, so there is no refusal to see.
  it.skipIf(process.getuid?.() === 0)('says so when the folder cannot be written to', async () => {
    await chmod(folder, 0o500);
    const error = await failure(createFileStore(folder).write('key', Buffer.from('x')));
    expect(error.code).toBe('store-forbidden');
    await chmod(folder, 0o700);
  });

  it.each([
    ['EACCES', 'store-forbidden', 'permission denied'],
    ['EPERM', 'store-forbidden', 'permission denied'],
    ['EROFS', 'store-forbidden', 'read-only'],
    ['ENOTDIR', 'store-not-a-folder', 'a file is where a folder should be'],
    ['ENOSPC', 'store-full', 'the disk is full'],
    ['EDQUOT', 'store-full', 'quota'],
    ['EIO', 'store-failed', 'made up'],
  ])('explains %s as %s', (code, expected, words) => {
    const cause = Object.assign(new Error('made up'), { code });
    const error = explainStoreFailure(cause, 'write', '/srv/certs', '/srv/certs/a/key');
    expect(error).toMatchObject({ code: expected, blame: 'operator', cause });
    expect(error.message).toContain('/srv/certs/a/key');
    expect(error.message).toContain(words);
    expect(error.hint).toContain('/srv/certs');
  });

  it.skipIf(process.geteuid === undefined)('says which user was refused, and how the folder becomes theirs', () => {
    const uid = process.geteuid!();
    const error = explainStoreFailure({ code: 'EACCES' }, 'write', '/srv/certs', '/srv/certs/a/key');
    expect(error.message).toBe(
      `The store cannot write /srv/certs/a/key: permission denied to uid ${uid}, as which the sidecar runs.`,
    );
    expect(error.hint).toContain(`"chown -R ${uid} /srv/certs"`);
    expect(error.hint).toContain('the image runs as uid 10001');
  });

  it('does not ask for rights where the file system is read-only', () => {
    const error = explainStoreFailure({ code: 'EROFS' }, 'write', '/srv/certs', '/srv/certs/a/key');
    expect(error.hint).toMatch(/^Mount \/srv\/certs writable/);
  });
});
