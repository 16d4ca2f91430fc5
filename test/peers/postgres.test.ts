import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Log } from '../../src/base/log.ts';
import { realSystem } from '../../src/base/system.ts';
import { createPostgresStore } from '../../src/store/postgres.ts';
import type { Store } from '../../src/store/store.ts';
import { pause } from '../harness/until.ts';
import { describeStoreContract } from '../store/contract.ts';
import { type PostgresServer, startPostgres, whyNoPostgres } from './postgres-server.ts';

/** A database for the tests, which make schemas in it; without one, a server is started. */
const GIVEN = process.env['POSTGRES_URL'];
const missing = GIVEN === undefined ? whyNoPostgres() : undefined;

const silent = (): void => undefined;
const log: Log = { debug: silent, info: silent, warn: silent, error: silent };

if (missing !== undefined) {
  console.warn(`Skipped: ${missing}`);
  test.skipIf(process.env['REQUIRE_PEERS'] !== '1')(`PostgreSQL is here (otherwise: ${missing})`, () => {
    expect(missing).toBeUndefined();
  });
} else {
  let server: PostgresServer | undefined;
  let base: string;
  beforeAll(async () => {
    server = GIVEN === undefined ? await startPostgres() : undefined;
    base = server?.url() ?? GIVEN!;
  });
  afterAll(async () => {
    await server?.close();
  });

  let count = 0;
  async function sql(text: string): Promise<void> {
    const client = new Client({ connectionString: base });
    await client.connect();
    await client.query(text);
    await client.end();
  }

  describeStoreContract('PostgreSQL', async () => {
    count += 1;
    const schema = `sidecar_test_${process.pid}_${count}`;
    const stores: Store[] = [];
    const open = (): Store => {
      const url = new URL(base);
      url.searchParams.set('schema', schema);
      const store = createPostgresStore(url.href, { system: realSystem, log });
      stores.push(store);
      return store;
    };
    return {
      store: open(),
      again: open,
      elapse: pause,
      async takeOver(name) {
        await sql(`UPDATE "${schema}".matrix_sidecar_leases SET expires_at = now() - interval '1 s'`);
        return open().acquireLease(name);
      },
      async dispose() {
        for (const store of stores) await store.close();
        await sql(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`);
      },
    };
  });
}
