import { expect, test } from 'vitest';
import { SidecarError } from '../../src/base/errors.ts';
import type { Log } from '../../src/base/log.ts';
import { realSystem, type System } from '../../src/base/system.ts';
import { createPostgresStore } from '../../src/store/postgres.ts';
import type { Store } from '../../src/store/store.ts';
import { whyNoPostgres } from './postgres-server.ts';

/** Milliseconds: the five seconds that are promised, and what a busy machine adds. */
const QUICKLY = 5_500;

/** The stores that a test opens, and what they log. */
export interface PostgresStores {
  open(url: string, system?: System): Store;
  /** Closed after the stores. */
  add(closeable: { close(): Promise<void> }): void;
  /** `level sentence {fields}` */
  readonly lines: readonly string[];
  close(): Promise<void>;
}

export function createPostgresStores(): PostgresStores {
  const stores: Store[] = [];
  const others: { close(): Promise<void> }[] = [];
  const lines: string[] = [];
  const note = (level: string) => (fields: object, sentence: string) =>
    void lines.push(`${level} ${sentence} ${JSON.stringify(fields)}`);
  const log: Log = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
  return {
    open(url, system = realSystem) {
      const store = createPostgresStore(url, { system, log });
      stores.push(store);
      return store;
    },
    add: (closeable) => void others.push(closeable),
    lines,
    async close() {
      for (const each of [...stores.splice(0), ...others.splice(0)]) await each.close();
      lines.length = 0;
    },
  };
}

/** Why these tests are skipped, or undefined. Says so, and fails where the peers are required. */
export function requirePostgres(): string | undefined {
  const missing = whyNoPostgres();
  if (missing === undefined) return undefined;
  // The reporter folds a suite that is skipped as a whole, its name included.
  console.warn(`Skipped: ${missing}`);
  if (process.env['REQUIRE_PEERS'] === '1') {
    test('PostgreSQL is here, because REQUIRE_PEERS=1 asks for it', () => {
      expect(missing).toBeUndefined();
    });
  }
  return missing;
}

/** The SidecarError with which `work` rejects, in time. */
export async function failure(work: Promise<unknown>): Promise<SidecarError> {
  const began = performance.now();
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(SidecarError);
  expect(performance.now() - began).toBeLessThan(QUICKLY);
  return error as SidecarError;
}

/** Everything of an error that might get into a log. */
export function spell(error: SidecarError): string {
  const cause = error.cause as Error;
  return [error.message, error.hint, error.stack, JSON.stringify(error), String(cause), cause.stack]
    .concat(JSON.stringify(cause), Object.values(cause).map(String))
    .join('\n');
}
