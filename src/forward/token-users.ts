import { createHmac } from 'node:crypto';
import type { System, Timer } from '../base/system.ts';

/** On whose behalf the homeserver is asked, so that it books the question to them and not to us. */
export interface Asker {
  readonly clientAddress: string;
  readonly userAgent: string | undefined;
}

/** Whose token it is. `refused`: nobody's, says the homeserver; `failed`: it said nothing of use. */
export type WhoamiAnswer =
  | { readonly kind: 'user'; readonly localpart: string }
  | { readonly kind: 'refused' }
  | { readonly kind: 'failed' };

/** Asks the homeserver whose token it is. Never rejects, and ends by itself. */
export type AskWhoami = (token: string, asker: Asker) => Promise<WhoamiAnswer>;

/** Durations in milliseconds. */
export interface TokenUserLimits {
  /** How long a user is remembered. A token never passes to another user: this is for memory alone. */
  readonly remember: number;
  /** How long a token that was refused is not asked about again. */
  readonly refused: number;
  /** How long a token is not asked about again when the homeserver could not say. */
  readonly failed: number;
  /** How long a request waits for the answer; it goes by its token then, and the answer serves the next one. */
  readonly patience: number;
  /** Tokens remembered, and a tenth of it for those without a user; the longest unused go first. */
  readonly most: number;
  /** Questions under way. */
  readonly mostAtOnce: number;
}

export const TOKEN_USER_LIMITS: TokenUserLimits = {
  remember: 3_600_000,
  refused: 60_000,
  failed: 5_000,
  patience: 2_000,
  most: 50_000,
  mostAtOnce: 64,
};

/** The users of access tokens that do not name them. */
export interface TokenUsers {
  /**
   * The localpart of a token's user; at once where it is known, undefined where nobody can tell. Never rejects. The
   * homeserver is asked once for each token, however many requests wait.
   */
  userOf(token: string, asker: Asker): string | undefined | Promise<string | undefined>;
  close(): void;
}

interface Remembered {
  readonly user: string | undefined;
  /** `System.monotonic`. */
  readonly until: number;
}

/**
 * Remembers whose tokens are whose. Tokens themselves are neither kept nor logged: they are told apart by an HMAC with a
 * key that this process makes up. Strangers can invent tokens without end, so those without a user have a place of their
 * own, where they displace each other and nobody's else.
 */
export function createTokenUsers(
  limits: TokenUserLimits,
  deps: { readonly system: System; readonly ask: AskWhoami },
): TokenUsers {
  const { system, ask } = deps;
  const secret = system.randomBytes(32);
  const users = createMemory(limits.most);
  const nobody = createMemory(Math.ceil(limits.most / 10));
  const underWay = new Map<string, Promise<string | undefined>>();
  const timers = new Set<Timer>();
  let closed = false;

  function remember(id: string, answer: WhoamiAnswer): string | undefined {
    const now = system.monotonic();
    if (answer.kind === 'user') users.set(id, { user: answer.localpart, until: now + limits.remember });
    else nobody.set(id, { user: undefined, until: now + limits[answer.kind] });
    return answer.kind === 'user' ? answer.localpart : undefined;
  }

  function begin(id: string, token: string, asker: Asker): Promise<string | undefined> {
    const answer = new Promise<string | undefined>((resolve) => {
      const timer = system.setTimer(limits.patience, () => settle(undefined));
      timers.add(timer);
      const settle = (user: string | undefined): void => {
        timer.cancel();
        timers.delete(timer);
        resolve(user);
      };
      void ask(token, asker).then((given) => {
        underWay.delete(id);
        settle(closed ? undefined : remember(id, given));
      });
    });
    underWay.set(id, answer);
    return answer;
  }

  return {
    userOf(token, asker) {
      const id = createHmac('sha256', secret).update(token).digest('base64');
      const now = system.monotonic();
      const known = users.get(id, now) ?? nobody.get(id, now);
      if (known !== undefined) return known.user;
      const waiting = underWay.get(id);
      if (waiting !== undefined) return waiting;
      return closed || underWay.size >= limits.mostAtOnce ? undefined : begin(id, token, asker);
    },
    close() {
      closed = true;
      for (const timer of timers) timer.cancel();
      timers.clear();
      users.clear();
      nobody.clear();
    },
  };
}

interface Memory {
  get(id: string, now: number): Remembered | undefined;
  set(id: string, entry: Remembered): void;
  clear(): void;
}

/** A Map keeps the order of insertion: what was used last stands last. */
function createMemory(most: number): Memory {
  const entries = new Map<string, Remembered>();
  return {
    get(id, now) {
      const entry = entries.get(id);
      if (entry === undefined) return undefined;
      entries.delete(id);
      if (entry.until <= now) return undefined;
      entries.set(id, entry);
      return entry;
    },
    set(id, entry) {
      entries.delete(id);
      entries.set(id, entry);
      if (entries.size <= most) return;
      for (const oldest of entries.keys()) return void entries.delete(oldest);
    },
    clear: () => entries.clear(),
  };
}
