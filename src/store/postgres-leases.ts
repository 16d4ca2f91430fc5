import type { System } from '../base/system.ts';
import { type HeldLease, holdLease, LEASE_LASTS } from './held-lease.ts';
import type { PostgresConnections } from './postgres-connections.ts';
import type { PostgresTables } from './postgres-tables.ts';
import { type Lease, requireStoreKey } from './store.ts';

/** The leases of a store in PostgreSQL. */
export interface PostgresLeases {
  /** As `Store.acquireLease`. */
  acquire(name: string): Promise<Lease | undefined>;
  close(): Promise<void>;
}

/** Milliseconds. Nobody writes an expiry that far ahead: the server's clock was set back, and the row waits in vain. */
const IMPLAUSIBLE = LEASE_LASTS + 60_000;

/**
 * A lease is a row with a generation and the time until which it lasts, by the server's clock. Acquiring it is one
 * statement: of several at once, one changes the row and the others find it changed.
 */
export function createPostgresLeases(
  slice: {
    readonly connections: PostgresConnections;
    readonly tables: PostgresTables;
    /** As `Store.write`; false, and nothing is written, when the newest generation of this lease is another. */
    readonly writeUnder: (
      lease: { readonly name: string; readonly generation: number },
      key: string,
      bytes: Uint8Array,
    ) => Promise<boolean>;
  },
  deps: { readonly system: System },
): PostgresLeases {
  const { connections, tables } = slice;
  const { system } = deps;
  const held = new Set<HeldLease>();
  let closed = false;

  const statements = {
    // The holder's name is new with every attempt. It is found in the row when the statement was done, but the answer
    // did not arrive and it is tried again.
    acquire: `
      INSERT INTO ${tables.leases} AS lease (name, generation, holder, expires_at)
      VALUES ($1, 1, $2, clock_timestamp() + $3 * interval '1 ms')
      ON CONFLICT (name) DO UPDATE
        SET generation = lease.generation + 1, holder = excluded.holder,
            expires_at = clock_timestamp() + $3 * interval '1 ms'
        WHERE lease.expires_at < clock_timestamp() OR lease.holder = excluded.holder
           OR lease.expires_at > clock_timestamp() + $4 * interval '1 ms'
      RETURNING generation`,
    renew: `
      UPDATE ${tables.leases} SET expires_at = clock_timestamp() + $3 * interval '1 ms'
      WHERE name = $1 AND generation = $2 RETURNING generation`,
    giveBack: `UPDATE ${tables.leases} SET expires_at = '-infinity' WHERE name = $1 AND generation = $2`,
  };

  function hold(name: string, generation: number, since: number): HeldLease {
    const run = (text: string, ...more: unknown[]): Promise<unknown[]> =>
      connections.run('lock', name, text, [name, generation, ...more]);
    const lease = holdLease(
      {
        name,
        generation,
        since,
        renew: async () => (await run(statements.renew, LEASE_LASTS)).length > 0,
        giveBack: async () => void (await run(statements.giveBack)),
        write: (key, bytes) => slice.writeUnder({ name, generation }, key, bytes),
      },
      deps,
    );
    held.add(lease);
    void lease.ended.then(() => held.delete(lease));
    return lease;
  }

  return {
    async acquire(name) {
      requireStoreKey(name);
      const since = system.monotonic();
      const holder = system.randomBytes(9).toString('base64url');
      const values = [name, holder, LEASE_LASTS, IMPLAUSIBLE];
      const [row] = await connections.run('lock', name, statements.acquire, values);
      if (row === undefined) return undefined;
      const lease = hold(name, Number(row['generation']), since);
      if (!closed) return lease;
      await lease.revoke();
      return undefined;
    },
    async close() {
      closed = true;
      await Promise.all([...held].map((lease) => lease.revoke()));
    },
  };
}
