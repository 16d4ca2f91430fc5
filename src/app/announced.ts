import { describeError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Store } from '../store/store.ts';

/** What was said of a matter, to everybody and by whomever. */
export interface Said {
  readonly level: string;
  /** The levels that were announced since it was last in order. */
  readonly announced: readonly string[];
  /** How many messages there were so far; none where it is not given. */
  readonly told?: number;
}

export const NOTHING_SAID: Said = Object.freeze({ level: 'ok', announced: Object.freeze([]) });

/** The right to speak, until it is given back. */
export interface Turn {
  release(): Promise<void>;
}

/** What was said, kept in the store so that it is not said again after a restart or by a replica. */
export interface Announced {
  /** Rejects while the store fails, but not for ever. */
  read(id: string): Promise<Said>;
  /** Never rejects: what could not be stored is known here at least, and stored by `saveAgain`. */
  write(id: string, said: Said): Promise<void>;
  saveAgain(): Promise<void>;
  /** Only one at a time may speak: undefined while another does. Rejects while the store fails, but not for ever. */
  speak(): Promise<Turn | undefined>;
}

/** Where what was said is kept, and the right to speak: each way has its own. */
const PLACES = {
  webhook: { prefix: 'warnings/', lease: 'warnings' },
  matrix: { prefix: 'warnings-matrix/', lease: 'warnings-matrix' },
} as const;
/** Failures in a row after which the store is done without: a full disk may be the very thing to warn of. */
const PATIENCE = 3;
/** Levels that a stored value may have. */
const MOST_LEVELS = 20;

/** Where the store fails for good, somebody may be told twice; that is better than not at all. */
export function createAnnounced(deps: {
  readonly store: Pick<Store, 'read' | 'write' | 'acquireLease'>;
  readonly log: Log;
  /** By which way it is said; `webhook` if it is not given. */
  readonly way?: keyof typeof PLACES;
}): Announced {
  const { store, log } = deps;
  const { prefix, lease } = PLACES[deps.way ?? 'webhook'];
  const key = (id: string): string => `${prefix}${id}.json`;
  const unsaved = new Map<string, Said>();
  const failures = { read: 0, speak: 0 };

  async function trying<T>(what: 'read' | 'speak', work: () => Promise<T>, instead: T): Promise<T> {
    try {
      const result = await work();
      failures[what] = 0;
      return result;
    } catch (error) {
      failures[what] += 1;
      if (failures[what] < PATIENCE) throw error;
      return instead;
    }
  }

  async function save(id: string, said: Said): Promise<void> {
    try {
      await store.write(key(id), Buffer.from(`${JSON.stringify(said)}\n`));
      unsaved.delete(id);
    } catch (error) {
      log.debug({ err: error }, `What was announced cannot be kept: ${describeError(error)}`);
    }
  }

  return {
    async read(id) {
      return unsaved.get(id) ?? trying('read', async () => parse(await store.read(key(id))), NOTHING_SAID);
    },
    async write(id, said) {
      unsaved.set(id, said);
      await save(id, said);
    },
    async saveAgain() {
      for (const [id, said] of unsaved) await save(id, said);
    },
    speak: () => trying<Turn | undefined>('speak', () => store.acquireLease(lease), { release: async () => {} }),
  };
}

/** A damaged value is as good as none: the worst of it is a warning that comes twice. */
function parse(bytes: Uint8Array | undefined): Said {
  if (bytes === undefined) return NOTHING_SAID;
  try {
    const { level, announced, told } = JSON.parse(Buffer.from(bytes).toString()) as Readonly<Record<string, unknown>>;
    if (typeof level !== 'string' || !Array.isArray(announced)) return NOTHING_SAID;
    const said = { level, announced: announced.slice(0, MOST_LEVELS).map(String) };
    return typeof told === 'number' ? { ...said, told } : said;
  } catch {
    return NOTHING_SAID;
  }
}
