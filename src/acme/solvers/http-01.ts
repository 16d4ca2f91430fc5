import type { System } from '../../base/system.ts';
import type { Solver } from '../solver.ts';
import {
  ANSWER_LIFETIME,
  type ChallengeStore,
  challengePrefix,
  impossible,
  removeOutdatedAnswers,
  writeAnswer,
} from './challenge-store.ts';
import { createSharedAnswers, type SharedAnswersDeps } from './shared-answers.ts';

/** RFC 8555 section 8.1: base64url without padding. CAs' tokens have 43 characters. */
const TOKEN = /^[A-Za-z0-9_-]{1,128}$/;

const keyFor = (token: string): string => `${challengePrefix('http-01')}${token}.json`;

/** Meets http-01 (RFC 8555 section 8.3) by putting the answer into the store, where every process finds it. */
export function createHttp01Solver(
  slice: { readonly store: ChallengeStore },
  deps: { readonly system: System },
): Solver {
  const { store } = slice;
  return {
    type: 'http-01',
    async present(task) {
      if (task.wildcard) throw impossible(task, 'the authorization is for a wildcard');
      if (!TOKEN.test(task.token)) throw impossible(task, "the CA's token is no base64url of up to 128 characters");
      const now = deps.system.now();
      await removeOutdatedAnswers(store, 'http-01', now);
      const { token, keyAuthorization } = task;
      await writeAnswer(store, keyFor(token), { token, keyAuthorization, until: now + ANSWER_LIFETIME });
    },
    async cleanUp({ token }) {
      if (TOKEN.test(token)) await store.remove(keyFor(token));
    },
  };
}

/** What `/.well-known/acme-challenge/<token>` says. */
export interface Http01Answers {
  /**
   * The key authorization for a token, or undefined. For a token that is not known the answer may take a second:
   * another process may have begun the challenge just now, and strangers must not be able to make the store busy.
   */
  answer(token: string): Promise<string | undefined>;
  close(): void;
}

export function createHttp01Answers(slice: { readonly store: ChallengeStore }, deps: SharedAnswersDeps): Http01Answers {
  const answers = createSharedAnswers(
    {
      store: slice.store,
      type: 'http-01',
      read: ({ token, keyAuthorization }) =>
        typeof token === 'string' && typeof keyAuthorization === 'string'
          ? { name: token, value: keyAuthorization }
          : undefined,
    },
    deps,
  );
  return {
    async answer(token) {
      if (!TOKEN.test(token)) return undefined;
      const known = answers.get(token);
      if (known !== undefined) return known;
      await answers.look();
      return answers.get(token);
    },
    close: () => answers.close(),
  };
}
