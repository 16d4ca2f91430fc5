import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { System } from '../../src/base/system.ts';
import type { Store } from '../../src/store/store.ts';
import { type PostgresServer, startPostgres } from './postgres-server.ts';
import { createPostgresStores, failure, requirePostgres, spell } from './postgres-stores.ts';

const missing = requirePostgres();
const why = missing === undefined ? '' : ` (skipped: ${missing})`;

describe.skipIf(missing !== undefined)(`A store in PostgreSQL when it begins${why}`, () => {
  let server: PostgresServer;
  const stores = createPostgresStores();
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterEach(() => stores.close());
  afterAll(async () => {
    await server?.close();
  });
  const open = (url = server.url(), system?: System): Store => stores.open(url, system);

  describe('refuses in one clear sentence, without the password:', () => {
    test.each([
      ['a wrong password', () => server.url({ password: 'not-my-secret' }), 'store-login', 'sidecar', 'not-my-secret'],
      ['a missing password', () => server.url({ password: '' }), 'store-login', 'password', 'nothing-to-hide'],
      ['an unknown user', () => server.url({ user: 'nobody' }), 'store-login', 'nobody', 'a-Pass'],
      ['a missing database', () => server.url({ database: 'no-such' }), 'store-no-database', 'no-such', 'a-Pass'],
      ['a server without TLS', () => `${server.url()}?sslmode=require`, 'store-tls', 'sslmode=disable', 'a-Pass'],
    ])('%s', async (_, url, code, named, secret) => {
      const error = await failure(open(url()).read('key'));
      expect(error).toMatchObject({ code, blame: 'operator' });
      expect(`${error.message} ${error.hint}`).toContain(named);
      expect(spell(error)).not.toContain(secret);
      expect(error.message.split('\n')).toHaveLength(1);
    });

    test('a user who may not make tables', async () => {
      await server.sql("CREATE ROLE guest LOGIN PASSWORD 'guest-secret'; REVOKE CREATE ON SCHEMA public FROM PUBLIC");
      const error = await failure(open(server.url({ user: 'guest', password: 'guest-secret' })).read('key'));
      expect(error).toMatchObject({ code: 'store-forbidden', blame: 'operator' });
      expect(error.hint).toContain('schema');
      expect(spell(error)).not.toContain('guest-secret');
    });

    test('a server that only reads', async () => {
      await server.sql('CREATE DATABASE standby');
      await server.sql('ALTER DATABASE standby SET default_transaction_read_only = on');
      const error = await failure(open(server.url({ database: 'standby' })).write('key', Buffer.from('x')));
      expect(error).toMatchObject({ code: 'store-forbidden', blame: 'operator' });
      expect(error.message).toContain('only reads');
    });

    test('tables of a newer release', async () => {
      await open(`${server.url()}?schema=newer`).list('');
      await server.sql('INSERT INTO newer.matrix_sidecar_migrations (version) VALUES (99)');
      const error = await failure(open(`${server.url()}?schema=newer`).list(''));
      expect(error).toMatchObject({ code: 'store-newer', blame: 'operator' });
      expect(error.message).toContain('99');
    });
  });

  test('a user who owns nothing may use tables that are there', async () => {
    const owner = open(`${server.url()}?schema=given`);
    await owner.write('key', Buffer.from('x'));
    await server.sql(`CREATE ROLE renter LOGIN PASSWORD 'renter'; GRANT USAGE ON SCHEMA given TO renter;
      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA given TO renter`);
    const renter = open(`${server.url({ user: 'renter', password: 'renter' })}?schema=given`);
    expect((await renter.read('key'))?.toString()).toBe('x');
    expect((await renter.acquireLease('keeper'))?.generation).toBe(1);
  });

  test('tables are made once when many processes begin together', async () => {
    const url = `${server.url()}?schema=race`;
    const run = promisify(execFile);
    const numbers = [1, 2, 3, 4, 5];
    await Promise.all(
      numbers.map((one) => run(process.execPath, [join(import.meta.dirname, 'write-to-store.ts'), url, `key-${one}`])),
    );
    expect(await open(url).list('')).toEqual(numbers.map((one) => `key-${one}`));
    expect(await server.sql('SELECT version FROM race.matrix_sidecar_migrations')).toEqual([{ version: 1 }]);
  });

  test('tables that vanish while the store is open are made again', async () => {
    const store = open(`${server.url()}?schema=gone`);
    await store.write('key', Buffer.from('x'));
    await server.sql('DROP SCHEMA gone CASCADE');
    expect(await store.read('key')).toBeUndefined();
    await store.write('key', Buffer.from('y'));
    expect((await store.read('key'))?.toString()).toBe('y');
  });
});
