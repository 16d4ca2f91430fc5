import type { Client, Notification } from 'pg';
import { describeError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { System, Timer } from '../base/system.ts';
import { createChangeFeed } from './change-feed.ts';
import type { PostgresAddress } from './postgres-address.ts';
import type { PostgresConnections } from './postgres-connections.ts';
import { explainPostgresFailure } from './postgres-failure.ts';
import { type PostgresTables, writeVersion } from './postgres-tables.ts';

/** Milliseconds between two looks at the whole table, which also show whether the connection still works. */
const POLL = 30_000;
/** Milliseconds from a lost connection to the next attempt; doubled with each failure, up to the most. */
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 30_000;

/** Word of changes in a store in PostgreSQL. */
export interface PostgresChanges {
  /** As `Store.onChange`. */
  onChange(prefix: string, listener: (key: string) => void): () => void;
  /** A key was written by us in this version (undefined: removed). */
  see(key: string, version: string | undefined): void;
  close(): Promise<void>;
}

/** What a notification says: the version, a blank and the key; the version is empty for a key that was removed. */
export const NOTICE_SEPARATOR = ' ';

/** Milliseconds before the attempt of this number (from 0), half of it by chance: many replicas lose a server at once. */
export function reconnectPause(attempt: number, chance: number): number {
  return Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** attempt) * (0.5 + chance / 2);
}

/**
 * Listens on a connection of its own, as long as anybody wants to know. When the connection breaks it is made again, and
 * what was missed is found by comparing the table with what is known.
 */
export function createPostgresChanges(
  slice: {
    readonly connections: PostgresConnections;
    readonly tables: PostgresTables;
    readonly address: PostgresAddress;
  },
  deps: { readonly system: System; readonly log: Log },
): PostgresChanges {
  const { connections, tables, address } = slice;
  const { system, log } = deps;
  const feed = createChangeFeed();
  let client: Client | undefined;
  let timer: Timer | undefined;
  let failures = 0;
  /** Which connection is the one that counts: of those that were given up, late events may come. */
  let turn = 0;

  function start(): void {
    turn += 1;
    void listen(turn);
  }

  function stop(): void {
    turn += 1;
    timer?.cancel();
    timer = undefined;
    const ending = client;
    client = undefined;
    void ending?.end();
  }

  async function listen(own: number): Promise<void> {
    try {
      const connected = await connections.connect();
      if (own !== turn) return void connected.end();
      client = connected;
      // Missing from the driver's types.
      (connected as Client & { unref(): void }).unref();
      connected.on('notification', (notice) => hear(notice));
      connected.on('error', (error) => tryAgain(own, error));
      connected.on('end', () => tryAgain(own, new Error('the connection ended')));
      await connected.query(`LISTEN "${tables.channel}"`);
      await look(connected);
      if (own !== turn) return;
      if (failures > 0) log.info({ place: address.place }, 'PostgreSQL is back; changes by others are heard of again.');
      failures = 0;
      pollLater(own, connected);
    } catch (error) {
      tryAgain(own, error);
    }
  }

  function pollLater(own: number, connected: Client): void {
    timer = system.setTimer(POLL, () => {
      look(connected).then(
        () => own === turn && pollLater(own, connected),
        (error: unknown) => tryAgain(own, error),
      );
    });
  }

  function tryAgain(own: number, error: unknown): void {
    if (own !== turn) return;
    stop();
    if (feed.size() === 0) return;
    const pause = reconnectPause(failures, system.randomBytes(1)[0]! / 255);
    if (failures === 0) {
      const explained = explainPostgresFailure(error, 'watch', 'its tables', address);
      log.warn({ place: address.place, code: explained.code, hint: explained.hint }, explained.message);
    } else {
      log.debug({ place: address.place, pause }, `PostgreSQL is still away: ${address.redact(describeError(error))}`);
    }
    failures += 1;
    timer = system.setTimer(pause, start);
  }

  async function look(connected: Client): Promise<void> {
    const { rows } = await connected.query<{ key: string; version: string }>(
      `SELECT key, ${writeVersion('updated_at')} AS version FROM ${tables.values}`,
    );
    feed.seeAll(new Map(rows.map(({ key, version }) => [key, version])));
  }

  function hear({ payload = '' }: Notification): void {
    const end = payload.indexOf(NOTICE_SEPARATOR);
    const version = payload.slice(0, end);
    feed.see(payload.slice(end + 1), version === '' ? undefined : version);
  }

  const endings = new Set<() => void>();
  return {
    onChange(prefix, listener) {
      const remove = feed.add(prefix, listener);
      const end = (): void => {
        remove();
        endings.delete(end);
        if (feed.size() === 0) stop();
      };
      endings.add(end);
      if (endings.size === 1) start();
      return end;
    },
    see: feed.see,
    async close() {
      for (const end of [...endings]) end();
    },
  };
}
