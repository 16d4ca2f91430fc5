import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Log } from '../../src/base/log.ts';
import { realSystem } from '../../src/base/system.ts';
import { createFileStore } from '../../src/store/files.ts';
import { createPostgresStore } from '../../src/store/postgres.ts';
import type { Store } from '../../src/store/store.ts';
import { startPostgres, whyNoPostgres } from './postgres-server.ts';

const run = promisify(execFile);
const missing = whyNoPostgres();
if (missing !== undefined && process.env['REQUIRE_PEERS'] === '1') throw new Error(missing);

const silent = (): void => undefined;
const log: Log = { debug: silent, info: silent, warn: silent, error: silent };
const VALUES: readonly (readonly [string, Buffer])[] = [
  ['acme/certificates/example.com-00000000.json', Buffer.from('{"keyPem":"é"}\n')],
  ['tls/ticket-keys.json', Buffer.from([0, 1, 92, 255])],
];

/** The one line of docs/operations.md that begins so, after what is before it. */
function recipe(begins: string): string {
  const guide = readFileSync(join(import.meta.dirname, '../../docs/operations.md'), 'utf8');
  const line = guide.split('\n').find((one) => one.includes(begins));
  if (line === undefined) throw new Error(`${begins} is not in the guide.`);
  return line.slice(line.indexOf(begins)).replace(/ +# .*$/, '');
}

async function fill(store: Store): Promise<void> {
  for (const [key, value] of VALUES) await store.write(key, value);
  await (await store.acquireLease('acme-keeper'))?.release();
}

async function expectAll(store: Store): Promise<void> {
  expect(await store.list('')).toEqual(VALUES.map(([key]) => key));
  for (const [key, value] of VALUES) expect([key, Buffer.from((await store.read(key))!)]).toEqual([key, value]);
  const lease = await store.acquireLease('acme-keeper');
  expect(lease).toBeDefined();
  await lease?.release();
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'backup-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the backup of docs/operations.md', () => {
  it('of files brings back every value, for its owner alone', async () => {
    const store = createFileStore(join(folder, 'store'));
    await fill(store);
    const shell = async (command: string, at: string): Promise<void> => {
      const there = command.replaceAll('/backup', folder).replace('/store', join(folder, at));
      await run('sh', ['-c', there]);
    };
    await shell(recipe('tar -C /store -c'), 'store');
    mkdirSync(join(folder, 'restored'));
    await shell(recipe('tar -C /store --numeric-owner'), 'restored');
    const restored = createFileStore(join(folder, 'restored'));
    await expectAll(restored);
    expect(statSync(restored.where('tls/ticket-keys.json')).mode & 0o777).toBe(0o600);
    await Promise.all([store.close(), restored.close()]);
  });

  it.skipIf(missing !== undefined)(`of PostgreSQL brings back every value (${missing ?? 'it is here'})`, async () => {
    const server = await startPostgres();
    const stores: Store[] = [];
    const open = (database: string): Store => {
      const store = createPostgresStore(server.url({ database }), { system: realSystem, log });
      stores.push(store);
      return store;
    };
    try {
      await fill(open('certificates'));
      await server.sql('CREATE DATABASE again');
      const shell = (command: string, database: string) =>
        run('sh', ['-c', command.replace(/DATABASE$/, `'${server.url({ database })}'`)], { cwd: folder });
      await shell(recipe('pg_dump --'), 'certificates');
      await shell(recipe('psql --'), 'again');
      await expectAll(open('again'));
    } finally {
      for (const store of stores) await store.close();
      await server.close();
    }
  });
});
