import { DatabaseSync } from 'node:sqlite';

/** What a Synapse says in its table `destinations` about one other server that failed (synapse/util/retryutils.py). */
export interface BackOff {
  /** Milliseconds since the epoch: of the first failure, and of the last. */
  readonly failureTs: number;
  readonly retryLastTs: number;
  /** Milliseconds from the last failure in which it is left alone. */
  readonly retryInterval: number;
}

/** Reads it from the database of a Synapse that runs; undefined where all is well. */
export function readBackOff(database: string, destination: string): BackOff | undefined {
  const opened = new DatabaseSync(database, { readOnly: true, timeout: 5_000 });
  try {
    const row = opened
      .prepare('SELECT failure_ts, retry_last_ts, retry_interval FROM destinations WHERE destination = ?')
      .get(destination);
    const [failureTs, retryLastTs, retryInterval] = [
      Number(row?.['failure_ts'] ?? 0),
      Number(row?.['retry_last_ts'] ?? 0),
      Number(row?.['retry_interval'] ?? 0),
    ];
    if (failureTs === 0 && retryLastTs === 0 && retryInterval === 0) return undefined;
    return { failureTs, retryLastTs, retryInterval };
  } finally {
    opened.close();
  }
}

/** A time in which a peer had the destination in back-off. */
export interface BackOffSpell {
  readonly peer: string;
  readonly from: number;
  /** `Date.now()` of the last look at which it still had. */
  readonly until: number;
  /** The longest interval seen, milliseconds. */
  readonly interval: number;
}

export interface BackOffWatch {
  /** Who has it in back-off at this moment. */
  now(): readonly string[];
  /** Every spell so far. */
  readonly spells: readonly BackOffSpell[];
  close(): void;
}

/** Looks twice a second whether these peers have `destination` in back-off. */
export function watchBackOff(
  peers: readonly { readonly serverName: string; readonly database: string }[],
  destination: string,
): BackOffWatch {
  const spells: { peer: string; from: number; until: number; interval: number }[] = [];
  const open = new Map<string, (typeof spells)[number]>();
  const look = (): void => {
    for (const { serverName: peer, database } of peers) {
      const found = readBackOff(database, destination);
      if (found === undefined) {
        open.delete(peer);
        continue;
      }
      let spell = open.get(peer);
      if (spell === undefined) {
        spell = { peer, from: Date.now(), until: 0, interval: 0 };
        open.set(peer, spell);
        spells.push(spell);
      }
      spell.until = Date.now();
      spell.interval = Math.max(spell.interval, found.retryInterval);
    }
  };
  const timer = setInterval(look, 500);
  return {
    now() {
      look();
      return [...open.keys()];
    },
    spells,
    close: () => clearInterval(timer),
  };
}
