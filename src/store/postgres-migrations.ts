import { SidecarError } from '../base/errors.ts';
import type { PostgresTables } from './postgres-tables.ts';

/** The part of a connection that this needs. */
export interface MigrationConnection {
  /** One statement; resolves with its rows. */
  query(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
}

/**
 * What was done to the tables, in order; the number of a migration is its place, from 1. Only ever add to the end: what
 * is in here has been applied somewhere.
 */
const MIGRATIONS: readonly ((tables: PostgresTables) => readonly string[])[] = [
  ({ values, leases }) => [
    // One row a value of the store. Keys compare by their bytes, as in a store of files.
    `CREATE TABLE ${values} (
       key text COLLATE "C" PRIMARY KEY,
       value bytea NOT NULL,
       -- By the server's clock; another one with every write, which is how changes are found.
       updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
     )`,
    `COMMENT ON TABLE ${values} IS 'matrix-sidecar: certificates, accounts and what else must survive a restart. Secret.'`,
    // One row for every name that ever had a lease. It stays when the lease is over, so that generations only grow.
    `CREATE TABLE ${leases} (
       name text COLLATE "C" PRIMARY KEY,
       -- Counts the acquisitions.
       generation bigint NOT NULL,
       -- A random name of the attempt that got it.
       holder text NOT NULL,
       -- By the server's clock. -infinity once it was given back.
       expires_at timestamptz NOT NULL
     )`,
    `COMMENT ON TABLE ${leases} IS 'matrix-sidecar: which process does what only one may do at a time.'`,
  ],
];

/** An arbitrary number, ours in every database: who migrates holds this advisory lock. */
const LOCK = 7_304_915_228_114_066n;

/**
 * Brings the tables to the state that this release knows, each step in a transaction of its own. Several processes may
 * do so at once: one at a time does a step, the others find it done. Nothing is asked for that would need more rights
 * than using the tables, when there is nothing to do.
 * @throws SidecarError when a newer release has been here; else what the connection throws
 */
export async function migrate(connection: MigrationConnection, tables: PostgresTables): Promise<void> {
  while ((await readVersion(connection, tables)) < MIGRATIONS.length) await applyNext(connection, tables);
}

async function applyNext(connection: MigrationConnection, tables: PostgresTables): Promise<void> {
  await connection.query('BEGIN');
  try {
    // Ends with the transaction, also when this process does.
    await connection.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
    if ((await readVersion(connection, tables)) === 0) await createVersionTable(connection, tables);
    // Again: a session may go on believing that a table is missing until it has touched it, and now it has.
    const version = await readVersion(connection, tables);
    const statements = MIGRATIONS[version]?.(tables) ?? [];
    for (const statement of statements) await connection.query(statement);
    if (statements.length > 0) {
      await connection.query(`INSERT INTO ${tables.migrations} (version) VALUES ($1)`, [version + 1]);
    }
    await connection.query('COMMIT');
  } catch (error) {
    await connection.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

async function createVersionTable(connection: MigrationConnection, tables: PostgresTables): Promise<void> {
  const { schema } = tables;
  // CREATE SCHEMA IF NOT EXISTS would need the right to create one even where it exists.
  if (schema !== undefined) {
    const { rows } = await connection.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [schema]);
    if (rows.length === 0) await connection.query(`CREATE SCHEMA "${schema}"`);
  }
  await connection.query(
    `CREATE TABLE IF NOT EXISTS ${tables.migrations} (
       version integer PRIMARY KEY,
       applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
     )`,
  );
}

/** The number of the last migration that was applied, 0 before the first. */
async function readVersion(connection: MigrationConnection, tables: PostgresTables): Promise<number> {
  const found = await connection.query('SELECT to_regclass($1) AS found', [tables.migrations]);
  if (found.rows[0]?.['found'] === null) return 0;
  const { rows } = await connection.query(`SELECT coalesce(max(version), 0) AS version FROM ${tables.migrations}`);
  const version = Number(rows[0]?.['version']);
  if (version > MIGRATIONS.length) {
    throw new SidecarError(
      `The store's tables are of version ${version}, this release of matrix-sidecar knows ${MIGRATIONS.length}.`,
      {
        code: 'store-newer',
        blame: 'operator',
        hint: 'A newer release has used this database: run that one, or a database of its own for this one.',
      },
    );
  }
  return version;
}
