import type { ChallengeTask, ChallengeType, Identifier } from '../../../src/acme/solver.ts';

/** A task as an order would make it. */
export function makeTask(type: ChallengeType, name: string, more: Partial<ChallengeTask> = {}): ChallengeTask {
  const identifier: Identifier = more.identifier ?? { type: 'dns', value: name };
  const token = more.token ?? 'evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA';
  return {
    type,
    identifier,
    wildcard: false,
    token,
    keyAuthorization: `${token}.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI`,
    accountUrl: 'https://ca.test/acct/1',
    ...more,
  };
}

/** Nobody aborts. */
export const NEVER = new AbortController().signal;

/** What a promise rejects with. */
export function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}
