import { Client, type ClientConfig, Pool, type QueryConfig } from 'pg';
import type { Log } from '../base/log.ts';
import type { System } from '../base/system.ts';
import type { PostgresAddress } from './postgres-address.ts';
import { explainPostgresFailure, isConnectionLoss, type PostgresAction } from './postgres-failure.ts';
import { migrate } from './postgres-migrations.ts';
import type { PostgresTables } from './postgres-tables.ts';

/** Milliseconds for one call as a whole, connecting included. */
const CALL_LIMIT = 5_000;
/** Milliseconds for the tables to be made, while other processes may be at it. */
const MIGRATION_LIMIT = 60_000;
/** Milliseconds that closing waits for a server that does not answer. */
const CLOSE_LIMIT = 2_000;

export type Row = Record<string, unknown>;

/** The connections of one store: a few for calls, made when they are needed. */
export interface PostgresConnections {
  /**
   * One statement that may as well be done twice, on tables that are there; resolves with its rows. Rejects within
   * five seconds, with a SidecarError about `action` and `subject`. It is tried a second time where a connection broke
   * or the tables had vanished.
   */
  run(action: PostgresAction, subject: string, text: string, values: readonly unknown[]): Promise<Row[]>;
  /** A connection for oneself, on tables that are there. Whoever gets it listens for its 'error' and ends it. */
  connect(): Promise<Client>;
  close(): Promise<void>;
}

export function createPostgresConnections(
  slice: { readonly address: PostgresAddress; readonly tables: PostgresTables },
  deps: { readonly system: System; readonly log: Log },
): PostgresConnections {
  const { address, tables } = slice;
  const { system, log } = deps;
  const options: ClientConfig = {
    connectionString: address.connectionString,
    application_name: 'matrix-sidecar',
    connectionTimeoutMillis: CALL_LIMIT,
    statement_timeout: CALL_LIMIT,
    // The driver's own limit, a moment later, for a server that does not answer at all.
    query_timeout: CALL_LIMIT + 500,
    // Somebody who is stopped in the middle of a migration must not hold up the others for ever.
    idle_in_transaction_session_timeout: MIGRATION_LIMIT,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  };
  const pool = new Pool({ ...options, max: 4, idleTimeoutMillis: 10_000, allowExitOnIdle: true });
  // An idle connection broke. The next call makes a new one.
  pool.on('error', (error) => {
    log.debug({ place: address.place }, `A connection to PostgreSQL ended: ${address.redact(error.message)}`);
  });
  let prepared: Promise<void> | undefined;
  let closing: Promise<void> | undefined;

  /** Once for all calls, until it fails. */
  function prepare(): Promise<void> {
    prepared ??= makeTables().catch((error: unknown) => {
      prepared = undefined;
      throw error;
    });
    return prepared;
  }

  async function makeTables(): Promise<void> {
    const client = await open({ statement_timeout: MIGRATION_LIMIT, query_timeout: MIGRATION_LIMIT });
    try {
      await migrate(client, tables);
    } finally {
      void client.end();
    }
  }

  async function open(more: ClientConfig): Promise<Client> {
    const client = new Client({ ...options, ...more });
    // Without a listener a broken connection would end the process. Who waits for an answer hears of it as well.
    client.on('error', () => undefined);
    await client.connect();
    return client;
  }

  async function attempt(query: QueryConfig, tooLate: AbortSignal): Promise<Row[]> {
    await prepare();
    const client = await pool.connect();
    const ignore = (): void => undefined;
    client.on('error', ignore);
    try {
      // The caller was told that it failed and may have done something else since.
      tooLate.throwIfAborted();
      const { rows } = await client.query<Row>(query);
      client.release();
      return rows;
    } catch (error) {
      client.release(true);
      // The tables are gone, with the whole database perhaps, and may come back from our hands or a backup.
      if (isMissingTable(error)) prepared = undefined;
      throw error;
    } finally {
      client.off('error', ignore);
    }
  }

  async function attemptTwice(query: QueryConfig, tooLate: AbortSignal): Promise<Row[]> {
    try {
      return await attempt(query, tooLate);
    } catch (error) {
      if (!isConnectionLoss(error) && !isMissingTable(error)) throw error;
      tooLate.throwIfAborted();
      return attempt(query, tooLate);
    }
  }

  return {
    async run(action, subject, text, values) {
      try {
        return await withLimit((tooLate) => attemptTwice({ text, values: [...values] }, tooLate), CALL_LIMIT, system);
      } catch (error) {
        throw explainPostgresFailure(error, action, subject, address);
      }
    },
    async connect() {
      await prepare();
      return open({});
    },
    close() {
      closing ??= withLimit(() => pool.end(), CLOSE_LIMIT, system).catch(() => undefined);
      return closing;
    },
  };
}

function isMissingTable(error: unknown): boolean {
  // 42P01 undefined_table, 3F000 invalid_schema_name
  return error instanceof Error && 'code' in error && (error.code === '42P01' || error.code === '3F000');
}

/** What `work` gives, unless that takes longer: then its signal aborts, and what it gives later is dropped. */
async function withLimit<T>(work: (tooLate: AbortSignal) => Promise<T>, limit: number, system: System): Promise<T> {
  const tooLate = new AbortController();
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = system.setTimer(limit, () => {
    const error = new Error(`it did not answer within ${limit / 1000} s`);
    tooLate.abort(error);
    reject(error);
  });
  try {
    return await Promise.race([work(tooLate.signal), late]);
  } finally {
    timer.cancel();
  }
}
