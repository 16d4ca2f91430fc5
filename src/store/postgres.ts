import type { Log } from '../base/log.ts';
import type { System } from '../base/system.ts';
import { readPostgresAddress } from './postgres-address.ts';
import { createPostgresChanges, NOTICE_SEPARATOR } from './postgres-changes.ts';
import { createPostgresConnections } from './postgres-connections.ts';
import { createPostgresLeases } from './postgres-leases.ts';
import { namePostgresTables, writeVersion } from './postgres-tables.ts';
import { requireStoreKey, type Store } from './store.ts';

/**
 * Keeps values in a table of a PostgreSQL database, for several sidecars together. `url` is
 * `postgres://user:password@host:port/database`; `?schema=NAME` puts the tables (they are described in
 * postgres-migrations.ts) into a schema of their own, and sslmode, sslrootcert, sslcert and sslkey are libpq's.
 *
 * Nothing is connected to before the first call, and the tables are made by it. While the server is away every call
 * rejects within five seconds, and the first one after its return succeeds. It has to be a server or a pooler that keeps
 * sessions: LISTEN needs one.
 * @throws SidecarError when the URL cannot be used
 */
export function createPostgresStore(url: string, deps: { readonly system: System; readonly log: Log }): Store {
  const address = readPostgresAddress(url);
  const tables = namePostgresTables(address.schema);
  const connections = createPostgresConnections({ address, tables }, deps);
  const changes = createPostgresChanges({ connections, tables, address }, deps);

  // A version is never the same twice for one key, even if the clock was set back in between.
  const writing = (source: string): string => `
      written AS (
        INSERT INTO ${tables.values} AS present (key, value, updated_at) ${source}
        ON CONFLICT (key) DO UPDATE SET value = excluded.value,
          updated_at = CASE WHEN excluded.updated_at = present.updated_at
                       THEN present.updated_at + interval '1 microsecond' ELSE excluded.updated_at END
        RETURNING key, ${writeVersion('updated_at')} AS version)
      SELECT version, pg_notify($3, version || '${NOTICE_SEPARATOR}' || key) FROM written`;
  const statements = {
    read: `SELECT value FROM ${tables.values} WHERE key = $1`,
    write: `WITH ${writing('VALUES ($1, $2, clock_timestamp())')}`,
    // Locked until the value is written: whoever takes the lease waits so long, and after that nothing is found here.
    writeUnder: `
      WITH ours AS (SELECT FROM ${tables.leases} WHERE name = $4 AND generation = $5 FOR SHARE),
      ${writing('SELECT $1::text, $2::bytea, clock_timestamp() FROM ours')}`,
    remove: `
      WITH removed AS (DELETE FROM ${tables.values} WHERE key = $1 RETURNING key)
      SELECT pg_notify($2, '${NOTICE_SEPARATOR}' || key) FROM removed`,
    list: `SELECT key FROM ${tables.values} WHERE starts_with(key, $1)`,
  };

  async function writeUnder(
    lease: { readonly name: string; readonly generation: number },
    key: string,
    bytes: Uint8Array,
  ): Promise<boolean> {
    requireStoreKey(key);
    const values = [key, bytes, tables.channel, lease.name, lease.generation];
    const [row] = await connections.run('write', key, statements.writeUnder, values);
    if (row !== undefined) changes.see(key, String(row['version']));
    return row !== undefined;
  }
  const leases = createPostgresLeases({ connections, tables, writeUnder }, deps);

  return {
    async read(key) {
      requireStoreKey(key);
      const [row] = await connections.run('read', key, statements.read, [key]);
      return row === undefined ? undefined : (row['value'] as Buffer);
    },
    async write(key, bytes) {
      requireStoreKey(key);
      const [row] = await connections.run('write', key, statements.write, [key, bytes, tables.channel]);
      changes.see(key, String(row?.['version']));
    },
    async remove(key) {
      requireStoreKey(key);
      await connections.run('remove', key, statements.remove, [key, tables.channel]);
      changes.see(key, undefined);
    },
    async list(prefix) {
      const rows = await connections.run('list', 'its keys', statements.list, [prefix]);
      return rows.map((row) => String(row['key'])).sort();
    },
    where(key) {
      requireStoreKey(key);
      return `key ${key} of the table ${tables.values} in PostgreSQL at ${address.place}`;
    },
    onChange: changes.onChange,
    acquireLease: (name) => leases.acquire(name),
    async close() {
      await leases.close();
      await changes.close();
      await connections.close();
    },
  };
}
