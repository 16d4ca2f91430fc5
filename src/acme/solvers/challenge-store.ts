import { SidecarError } from '../../base/errors.ts';
import type { ChallengeTask, ChallengeType } from '../solver.ts';

/** The part of a store that challenge answers need; `src/store/store.ts` has the promises. */
export interface ChallengeStore {
  read(key: string): Promise<Buffer | undefined>;
  write(key: string, bytes: Uint8Array): Promise<void>;
  remove(key: string): Promise<void>;
  list(prefix: string): Promise<string[]>;
  /** Calls back with keys that begin with `prefix` when this or another process changed them; best effort. */
  onChange(prefix: string, listener: (key: string) => void): () => void;
}

/** One answer as it is stored: what it says, and until when it can be of use (milliseconds since the epoch). */
export interface StoredAnswer {
  readonly until: number;
  readonly [field: string]: unknown;
}

/**
 * How long an answer counts, in milliseconds. A CA validates within minutes; what a process left behind that died in
 * the middle must not count as a challenge under way for ever.
 */
export const ANSWER_LIFETIME = 3_600_000;

/** Where the answers of one type are: `acme/challenges/http-01/`. */
export function challengePrefix(type: ChallengeType): string {
  return `acme/challenges/${type}/`;
}

/** Reads a stored answer; undefined when it is none, or damaged: a challenge is then not answered, nothing else. */
export function parseAnswer(bytes: Uint8Array): StoredAnswer | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    if (typeof value !== 'object' || value === null || !('until' in value)) return undefined;
    return typeof value.until === 'number' ? { ...value, until: value.until } : undefined;
  } catch {
    return undefined;
  }
}

/** Puts an answer into the store, for any process to give. */
export function writeAnswer(store: ChallengeStore, key: string, answer: StoredAnswer): Promise<void> {
  return store.write(key, Buffer.from(JSON.stringify(answer)));
}

/** Removes answers of processes that died before they could. Those under way stay. */
export async function removeOutdatedAnswers(store: ChallengeStore, type: ChallengeType, now: number): Promise<void> {
  for (const key of await store.list(challengePrefix(type))) {
    const bytes = await store.read(key);
    const answer = bytes === undefined ? undefined : parseAnswer(bytes);
    if (bytes !== undefined && (answer === undefined || answer.until <= now)) await store.remove(key);
  }
}

/** The error for a challenge that cannot be met in this way at all; trying it again would end the same. */
export function impossible(task: ChallengeTask, why: string): SidecarError {
  return new SidecarError(`${task.type} cannot prove control of ${task.identifier.value}: ${why}.`, {
    code: 'challenge-impossible',
    blame: 'operator',
    hint: 'Enable another type of challenge in acme.challenges; a wildcard needs dns-01 or dns-persist-01.',
  });
}
